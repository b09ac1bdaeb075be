/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Posting against a vCPU that runs, halt-polls and sleeps
 * (src/irqchip/x86/posted.c, src/core/vcpu.c).
 *
 * Two threads post.  Or (FIRST_POST) one posts to a vCPU that does not expect
 * it at first, and the other makes it do so, lets the first begin, and may
 * deliver a message of the ordinary way, into IRR.  There are two vectors, each
 * in a word of its own; the vCPU's priority may keep the lower one back.
 * Guest, halt poll and sleep end by themselves, or last until the vCPU is
 * fetched or finds something.
 *
 * Who raises a vector has written something for its handler before, which looks
 * at that when the vector is taken.  Then:
 *   - when nothing moves any more, each handler has seen all that was written,
 *     but that of a vector whose priority is too low: no interrupt is lost, and
 *     the vCPU neither runs nor sleeps for ever over one;
 *   - entering the guest does not fail for ever.
 *
 * Steps are named as in posted.c:
 *   P1 PIR[v] := 1              N1 SN := 0, ON := 0
 *   P2 SN set?                  N2 look at PIR
 *   P3 ON := 1                  N3 mode := IN_GUEST or BLOCKED
 *   P4 request := 1             N4 request, or (sleep) a bit?
 *   P5 look at mode, fetch      L1 SN := 1
 *   T1 PIR[v] := 0              L2 mode := OUTSIDE, request := 0
 *
 * Spin's memory is sequentially consistent.  So is the code's where that
 * counts: P1 to P5, N1 to N4, L1 and L2 are seq_cst operations, because each
 * side stores to one word and then loads from another.  What is weaker takes no
 * part in that: whether posts are expected is read relaxed, but cannot be
 * missed by who has taken the request of the kick that goes with it; and the
 * vCPU's look at its own SN finds what it wrote itself.
 */
/* sound: FIRST_POST */
/* broken: SN_LATE ON_LATE ON_KEPT NO_LOOK KNOWN_KEPT MODE_LATE */
/* broken: POLL_REQUEST SN_UNCHECKED */
/* broken: FIRST_POST+REQUEST_LATE FIRST_POST+NO_KICK */

#ifdef FIRST_POST
#define POSTERS 1
#else
#define POSTERS 2
#endif
#define LOW 0
#define HIGH 1

#define OUTSIDE 0
#define IN_GUEST 1
#define BLOCKED 2

#define CLEAR_SN_AND_ON atomic { sn = 0; on = 0 }

/* N1, and what a broken vCPU does after its last look instead. */
#if defined(SN_LATE)
#define N1 skip
#define AFTER_LOOK CLEAR_SN_AND_ON
#elif defined(ON_LATE)
#define N1 sn = 0
#define AFTER_LOOK on = 0
#elif defined(ON_KEPT)
#define N1 sn = 0
#define AFTER_LOOK skip
#else
#define N1 CLEAR_SN_AND_ON
#define AFTER_LOOK skip
#endif

/* The request is taken before the look at what is pending. */
#ifdef REQUEST_LATE
#define TAKE_REQUEST skip
#define TAKE_REQUEST_LATE request = 0
#else
#define TAKE_REQUEST request = 0
#define TAKE_REQUEST_LATE skip
#endif

/* What is taken and comes again is new. */
#ifdef KNOWN_KEPT
#define KNOWN_NO_MORE(v) skip
#else
#define KNOWN_NO_MORE(v) known[v] = 0
#endif

bit pir[2], irr[2];
bit known[2]; /* in PIR when the guest was last entered */
bit on, sn = 1;
bit request;
byte mode = OUTSIDE;
bit kicked; /* the guest is told to leave */
#ifdef FIRST_POST
bit expects_posts, told; /* told: the poster knows where to post */
#define RAISERS (POSTERS + 1)
#else
#define expects_posts 1
#define told 1
#define RAISERS POSTERS
#endif
bit low_waits; /* the vCPU's priority */

bit unseen[2]; /* a device has written what no handler has seen */
byte done; /* so many raisers */

/* P5 */
inline fetch()
{
	if
	:: atomic { mode == IN_GUEST -> m = IN_GUEST }
		atomic { kicked = 1; m = 0 } /* it may have left meanwhile */
	:: atomic { mode == BLOCKED -> m = BLOCKED }
		atomic { /* compare-exchange; the futex wakes */
			if
			:: mode == BLOCKED -> mode = OUTSIDE
			:: else
			fi;
			m = 0
		}
	:: mode == OUTSIDE
	fi
}

/* virq_vcpu_kick(), which always exchanges. */
inline kick()
{
	atomic { old = request; request = 1 }
	if
	:: !old -> fetch()
	:: else
	fi
}

/* virq_vcpu_kick_ordered(): P4 and P5. */
inline kick_ordered()
{
	if
	:: request
	:: else -> kick()
	fi
}

proctype poster(byte posts)
{
	byte m;
	bit v, old;

	told;
	do
	:: posts > 0 ->
		posts--;
		if
		:: v = LOW
		:: v = HIGH
		fi;
		unseen[v] = 1;
		atomic { old = pir[v]; pir[v] = 1 } /* P1 */
		if
		:: !old ->
			if
#ifdef SN_UNCHECKED
			:: sn = 1
#else
			:: sn /* P2 */
#endif
			:: else ->
				atomic { old = on; on = 1 } /* P3 */
				if
				:: !old -> kick_ordered()
				:: else
				fi
			fi
		:: else
		fi;
		old = 0;
		v = 0
	:: else -> break
	od;
	done++
}

#ifdef FIRST_POST
/* virq_vcpu_expect_posts(); then a message, perhaps, as by lapic_accept(). */
proctype connector()
{
	byte m;
	bit old;

	expects_posts = 1;
#ifndef NO_KICK
	kick();
#endif
	told = 1;
	if
	:: true
	:: true ->
		unseen[HIGH] = 1;
		atomic { old = irr[HIGH]; irr[HIGH] = 1 }
		if
		:: !old -> kick_ordered()
		:: else
		fi
	fi;
	done++
}
#endif

#define PENDING                                                                \
	(pir[HIGH] || irr[HIGH] || (!low_waits && (pir[LOW] || irr[LOW])))

/* T1: both are one interrupt; and the handler. */
inline take(v)
{
	irr[v] = 0;
	pir[v] = 0;
	KNOWN_NO_MORE(v);
	unseen[v] = 0
}

/*
 * virq_vcpu_pending(), virq_vcpu_ack() until nothing is left.  Words only fill
 * up while the vCPU looks at them, so a look that finds nothing is as good as
 * one at all words at the time of its first.
 */
inline take_all()
{
	do
	:: atomic { pir[HIGH] || irr[HIGH] -> take(HIGH) }
	:: atomic {
		!(pir[HIGH] || irr[HIGH]) && !low_waits &&
		(pir[LOW] || irr[LOW]) -> take(LOW)
	}
	:: atomic { !PENDING -> break }
	od
}

/* N2, word by word. */
inline look_for_new(v)
{
	atomic {
		found = found || (pir[v] && !known[v]);
		known[v] = pir[v]
	}
}

/* L1; the rest is of virq_vcpu_exit(). */
inline look_by_itself()
{
	atomic { /* only this thread changes SN */
		if
		:: expects_posts -> sn = 1
		:: else
		fi
	}
}

inline leave()
{
	look_by_itself();
	mode = OUTSIDE; /* L2 */
	TAKE_REQUEST
}

/* virq_vcpu_enter(), the guest, virq_vcpu_exit() */
inline run_guest()
{
	kicked = 0; /* the VMM's, before it enters */
	found = 0;
	telling = expects_posts;
	if
	:: telling ->
		N1;
#ifndef NO_LOOK
		look_for_new(LOW); /* N2 */
		look_for_new(HIGH);
		if
		:: found -> request = 1
		:: else
		fi
#endif
	:: else
	fi;
#ifndef MODE_LATE
	mode = IN_GUEST; /* N3 */
#endif
	found = request; /* N4 */
#ifdef MODE_LATE
	mode = IN_GUEST;
#endif
	if
	:: telling -> AFTER_LOOK
	:: else
	fi;
	if
	:: found ->
		if
		:: done == RAISERS ->
			failures++;
			assert(failures < 4)
		:: else
		fi
	:: else ->
		failures = 0;
		if
		:: true
		:: true ->
end_guest:		kicked
		fi
	fi;
	leave()
}

/* virq_vcpu_block() */
inline block()
{
	if /* halt polling; a request is a reason to stop, too */
	:: true
	:: true ->
end_poll:
#ifdef POLL_REQUEST
		request
#else
		request || PENDING
#endif
	fi;
	TAKE_REQUEST;
	if
	:: PENDING
	:: else ->
		telling = expects_posts;
		if
		:: telling -> N1
		:: else
		fi;
#ifndef MODE_LATE
		mode = BLOCKED; /* N3 */
#endif
		found = request; /* N4 */
		atomic { found = found || PENDING };
#ifdef MODE_LATE
		mode = BLOCKED;
#endif
		if
		:: telling -> AFTER_LOOK
		:: else
		fi;
		if
		:: found
		:: else ->
			if
			:: true /* the deadline */
			:: true ->
end_sleep:			mode != BLOCKED
			fi
		fi;
		look_by_itself();
		mode = OUTSIDE;
		TAKE_REQUEST
	fi
}

active proctype vcpu()
{
	byte failures;
	bit found, telling;

#ifdef FIRST_POST
	run poster(2);
	run connector();
#else
	run poster(2);
	run poster(1);
#endif
	do
	:: low_waits = !low_waits
	:: true ->
		take_all();
		TAKE_REQUEST_LATE;
		atomic { found = 0; telling = 0 }
		if
		:: run_guest()
		:: block()
		fi
	od
}

/* Nothing can move: the guest runs, or the vCPU polls or sleeps, for ever. */
active proctype observer()
{
	timeout;
	assert(done == RAISERS);
	assert(!unseen[HIGH]);
	assert(low_waits || !unseen[LOW])
}
