// SPDX-License-Identifier: BSD-3-Clause
/* A program that nothing can be preloaded into. */
int main(void)
{
	return 0;
}
