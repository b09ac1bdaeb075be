/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A device raises in a page of shared memory, against a vCPU that looks and
 * sleeps, the loop that hears the doorbell, and vectors that come to that vCPU
 * and go (include/virq/poster.h, src/source/shm_page.c, shm_home.c).
 *
 * Descriptor 0 has no home.  Descriptor 1 belongs to the vCPU while ATTACHED.
 * Two devices raise the same vector, or each its own; the home that they read
 * may be old.  The VMM gives the vCPU its descriptor, and then moves the vectors
 * elsewhere and takes it back, or (SEND) sends the page once more.
 *
 * A descriptor has one word, and a bit of it is kept as the set of the raises
 * that were merged in it.  Then:
 *   - no raise is delivered twice;
 *   - when nothing moves any more, each has been delivered.  The vCPU sleeps
 *     then, for ever.
 *
 * With DIES the first device may stop for good between any two steps, and leave
 * control words of its own.  It is over with it when the page is sent to the
 * second, which raises only then.
 *
 * Steps are named as in poster.h:
 *   0 read the home                a write the control word
 *   1 set the bit                  b exchange each word with 0
 *   2 SN set?
 *   3 ON := 1
 *   4 doorbell
 *
 * Spin's memory is sequentially consistent; so are 1 to 4, a and b in the code.
 * The home is read and written relaxed, and what it says may be wrong.
 */
/* sound: SEND SEND+DIES */
/* broken: LOOK_FIRST ON_LATE ASK_FIRST HOME_ONLY VACATE_SILENT VACATE_BUSY */
/* broken: STRAY_SILENT NO_EXCHANGE NO_KICK SEND+REPAIR_ONCE */
/* broken: SEND+DIES+NO_REPAIR SEND+DIES+NO_TAKE */

/* How often each raises, and the sets of what the first and both raise. */
#if defined(DIES)
#define RAISES(device) (2 - (device))
#define FIRST 3
#define ALL 7
#elif defined(SEND)
#define RAISES(device) (2 * !(device))
#define FIRST 3
#define ALL 3
#else
#define RAISES(device) 1
#define FIRST 1
#define ALL 3
#endif
/* How often the vCPU looks beside when it is kicked; it sleeps after each. */
#ifdef SEND
#define LOOKS 0
#else
#define LOOKS 1
#endif

byte word[2]; /* of each descriptor: set of raises */
bool on[2], sn[2];
bool bell;
byte home; /* of both vectors */
byte stray; /* set of raises */
byte raised, delivered; /* sets of raises */
byte vector[2] = ALL; /* of each device: set of the raises that are of it */

/* The VMM's own. */
bool attached;
bool posts; /* the vectors post to the vCPU */
bool told = true; /* struct shm_home's `on' */
bool in_port; /* the vCPU's thread is inside the port, under RCU */
bool kick; /* the vCPU's request */
bool first_done, sent;

inline deliver(set)
{
	d_step {
		assert(!(delivered & (set)));
		delivered = delivered | (set);
		set = 0
	}
}

/* b */
#ifdef NO_EXCHANGE
#define TAKE(d, set) set = word[d]; word[d] = 0
#else
#define TAKE(d, set) d_step { set = word[d]; word[d] = 0 }
#endif

/* What the loop looks at. */
#ifdef HOME_ONLY
#define DESCRIPTORS 1
#else
#define DESCRIPTORS 2
#endif

/* shm_take() */
inline take_all(set, d)
{
	deliver(stray)
	d = 0;
	do
	:: d < DESCRIPTORS ->
#ifndef ON_LATE
		on[d] = 0; /* a */
#endif
		TAKE(d, set);
		deliver(set);
#ifdef ON_LATE
		on[d] = 0;
#endif
		d++
	:: else -> break
	od;
	d = 0
}

/* shm_set_notify(), shm_repair(): one store writes both. */
inline write_control(notify)
{
	atomic { on[1] = 0; sn[1] = !(notify) }
}

/* What it leaves behind. */
#define MESS atomic { on[0] = 1; sn[0] = 1; on[1] = 1; sn[1] = 1 }

proctype device(byte number)
{
	byte n, d, set;
	bool was;

#ifdef DIES
	number == 0 || sent;
#endif
	do
	:: n < RAISES(number) ->
		set = 1 << (number * RAISES(0) + n);
		n++;
		d = home; /* 0 */
#ifdef ASK_FIRST
		bool quiet = sn[d];
#endif
		atomic { /* 1 */
			raised = raised | set;
			was = (word[d] & vector[number]) != 0;
			word[d] = word[d] | set
		}
#ifdef DIES
		if
		:: number == 0 -> MESS; break
		:: true
		fi;
#endif
		if
		:: was -> goto next
		:: else
		fi;
		if /* 2 */
#ifdef ASK_FIRST
		:: quiet -> goto next
#else
		:: sn[d] -> goto next
#endif
		:: else
		fi;
		atomic { was = on[d]; on[d] = 1 } /* 3 */
#ifdef DIES
		if
		:: number == 0 -> MESS; break
		:: true
		fi;
#endif
		if
		:: was
		:: else -> bell = 1 /* 4 */
		fi;
next:		d = 0; set = 0; was = 0
	:: else -> break
	od;
	if
	:: number == 0 -> first_done = 1
	:: else
	fi
}

proctype loop()
{
	byte set, d;

end:	do
	:: atomic { bell -> bell = 0 };
		take_all(set, d)
	od
}

/* shm_take_home() */
inline take_home(set, was)
{
	TAKE(1, set);
	if
	:: set && posts -> deliver(set)
	:: set && !posts ->
		atomic { was = (stray != 0); stray = stray | set };
#ifndef STRAY_SILENT
		if
		:: was
		:: else -> bell = 1
		fi
#endif
	:: else
	fi;
	set = 0;
	was = 0
}

/* The vCPU looks at its port, if it has one: `what', under RCU. */
#define PORT(what) \
	if \
	:: atomic { attached -> in_port = 1 }; what; in_port = 0 \
	:: else \
	fi

inline notify(how)
{
	if
	:: told != how -> told = how; write_control(how)
	:: else
	fi
}

proctype vcpu()
{
	byte n, set;
	bool was;

end:	do
	:: atomic {
		if
		:: n < LOOKS -> n++ /* awake for another reason */
		:: kick -> kick = 0
		fi
	   };
		PORT(notify(0)); /* a */
		PORT(take_home(set, was)); /* b */
#ifdef LOOK_FIRST
		PORT(take_home(set, was));
		PORT(notify(1))
#else
		PORT(notify(1)); /* a */
		PORT(take_home(set, was)) /* b */
#endif
		/* Sleeps. */
	od
}

inline repair(set, d, how)
{
	do
	:: how = told;
		write_control(how);
#ifdef REPAIR_ONCE
		break
#else
		if
		:: told == how -> break
		:: else
		fi
#endif
	od;
	how = 0;
	atomic { on[0] = 0; sn[0] = 0 }
}

proctype vmm()
{
	byte set, d;
	bool how;

	/*
	 * home_find(), vcpu_port_attach(), home_enter(): in one, for no device
	 * knows of the descriptor before the last step.
	 */
	atomic {
		told = 0;
		write_control(0);
		attached = 1;
#ifndef NO_KICK
		kick = 1;
#endif
		posts = 1;
		home = 1
	};
#ifdef SEND
#ifdef DIES
	first_done;
#endif
	/* virq_shm_source_send() */
#ifndef NO_REPAIR
	repair(set, d, how);
#endif
#ifndef NO_TAKE
	take_all(set, d);
#endif
	sent = 1
#else
	if
	:: true /* it stays as it is */
	:: home = 0;
		posts = 0 /* but another vector keeps the descriptor */
	:: home = 0;
		posts = 0;
		/* home_vacate() */
		attached = 0;
#ifndef VACATE_BUSY
		!in_port;
#endif
		if
		:: told
		:: else -> told = 1; write_control(1)
		fi;
#ifndef VACATE_SILENT
		bell = 1
#endif
	fi
#endif
}

init
{
	if
	:: true
	:: vector[0] = FIRST; vector[1] = ALL - FIRST
	fi;
	atomic {
		run device(0);
		run device(1);
		run loop();
		run vcpu();
		run vmm()
	};
	/* Nothing moves any more. */
	timeout;
	assert(delivered == raised)
}
