#!/bin/sh
# SPDX-License-Identifier: BSD-3-Clause
# embed.sh BINARY ASSEMBLY NAME: make the bytes of BINARY the symbols NAME and
# NAME_end of an assembly file.
set -eu
cat >"$2" <<END
	.section .rodata
	.globl $3, $3_end
	.balign 16
$3:
	.incbin "$(realpath "$1")"
$3_end:
	.section .note.GNU-stack, "", @progbits
END
