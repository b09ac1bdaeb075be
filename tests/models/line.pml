/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A device's line in a page of shared memory, forwarded, against a vCPU that
 * looks, takes, completes and sleeps, and the loop that hears the doorbell
 * (include/virq/poster.h, LINES; src/source/shm_line.c, line_source.c).
 *
 * The device raises its line WORK times, now and then while the guest still
 * handles the interrupt before.  The guest's handler has it lower the line, or it
 * does so of itself, but not the last time.  At the end it waits for the
 * completion.  Then:
 *   - each rise interrupts the guest: otherwise its line stays up for ever, and
 *     Spin finds a device that cannot go on;
 *   - the device hears of the completion, or cannot go on either;
 *   - the interrupt is never pending and active at once.
 *
 * Steps are named as in poster.h:
 *   1 change the level             a write the control word
 *   2 set the bit; SN set?         b take the bit, then look at the level
 *   3 ON := 1                      c look at the level; still up: again
 *   4 doorbell                     d set completed
 *   5 set wanted                   e wanted: clear it, signal
 *   6 look at completed, take it
 *   7 none: wait for the signal; then 5
 *
 * Spin's memory is sequentially consistent; so are all of these in the code.
 */
/* broken: COALESCE LEVEL_LATE LOOK_EARLY NO_LOCK NO_AGAIN */
/* broken: WANT_LATE WANTED_FIRST */

#define WORK 3

/* The page, its doorbell and the eventfd that tells of completions. */
bool level, word, on, sn;
bool completed, wanted;
bool bell, told;

/* The VMM's: the line source, and the state of the interrupt. */
bool lock, up;
bool pending, handled;
bool kick;

/* The guest's handler at the device, and the device's answer. */
bool request;

inline acquire() { atomic { !lock -> lock = 1 } }

/* virq_forward.set_level() */
inline set_level(how)
{
	atomic {
		if
		:: how && !handled -> pending = 1; kick = 1
		:: !how -> pending = 0
		:: else
		fi;
		assert(!(pending && handled))
	}
}

/* line_source_look(): b's second half */
inline look(seen)
{
#ifndef NO_LOCK
	acquire();
#endif
#ifndef LOOK_EARLY
	seen = level;
#endif
	if
	:: seen && !up -> set_level(1)
	:: !seen && up -> set_level(0)
	:: else
	fi;
	up = seen;
	lock = 0;
	seen = 0
}

inline take(was, seen)
{
#ifdef LOOK_EARLY
	seen = level;
#endif
	d_step { was = word; word = 0 };
	if
	:: was -> look(seen)
	:: else
	fi;
	was = 0;
	seen = 0
}

inline rise(was)
{
#ifndef LEVEL_LATE
	level = 1; /* 1 */
#endif
	atomic { was = word; word = 1 }; /* 2 */
	if
#ifdef COALESCE
	:: was
#endif
	:: sn
	:: else ->
		atomic { was = on; on = 1 }; /* 3 */
		if
		:: was
		:: else -> bell = 1 /* 4 */
		fi
	fi;
#ifdef LEVEL_LATE
	level = 1;
#endif
	was = 0
}

inline fall()
{
	level = 0; /* 1 */
	word = 1 /* 2 */
}

proctype device()
{
	byte left = WORK;
	bool was;

	do
	:: request ->
		if
		:: level -> fall()
		:: else
		fi;
		if
		:: !level && left -> left--; rise(was)
		:: true
		fi;
		request = 0
	:: !request && !level && left ->
		/* Who looked, and did not wait; of that a signal may be left. */
		if
		:: wanted = 1
		:: true
		fi;
		/* What was completed before is not what it waits for. */
		completed = 0;
		left--;
		rise(was)
	:: !request && level && left -> fall() /* of itself */
	:: !request && !level && !left -> break
	od;
	do
	:: true ->
#ifndef WANT_LATE
		wanted = 1; /* 5 */
#endif
		if
		:: completed -> completed = 0; break /* 6 */
		:: else
		fi;
#ifdef WANT_LATE
		wanted = 1;
#endif
		do
		:: told -> told = 0; break /* 7 */
		:: request -> request = 0
		od
	od;
	/* What comes now is of nobody's work. */
end:	do
	:: request -> request = 0
	od
}

proctype loop()
{
	bool was, seen;

end:	do
	:: atomic { bell -> bell = 0 };
		on = 0; /* a */
		take(was, seen) /* b */
	od
}

/* line_completed() */
inline complete(was)
{
	atomic { handled = 0; pending = 0 };
	acquire();
	up = level; /* c */
#ifndef NO_AGAIN
	if
	:: up -> set_level(1)
	:: else
	fi;
#endif
	lock = 0;
#ifdef WANTED_FIRST
	atomic { was = wanted; wanted = 0 };
	completed = 1;
#else
	completed = 1; /* d */
	atomic { was = wanted; wanted = 0 }; /* e */
#endif
	if
	:: was -> told = 1
	:: else
	fi;
	was = 0
}

proctype vcpu()
{
	bool was, seen;

end:	do
	:: atomic { kick -> kick = 0 };
		atomic { sn = 1; on = 0 }; /* a */
		take(was, seen); /* b */
		if
		:: atomic { pending -> pending = 0; handled = 1 };
			request = 1;
			!request;
			/* Or the doorbell of an old descriptor comes by. */
			if
			:: take(was, seen)
			:: true
			fi;
			complete(was)
		:: else
		fi;
		atomic { sn = 0; on = 0 }; /* a */
		take(was, seen) /* b */
		/* Sleeps, unless it was kicked. */
	od
}

init
{
	atomic {
		run device();
		run loop();
		run vcpu()
	}
}
