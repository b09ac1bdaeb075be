/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A source's remapping entry changes while others raise (src/source/source.c).
 *
 * Two threads raise; one changes everything: the mask, the route, the irqfd
 * (assigned, deassigned, its VM closed, assigned in the next VM) and the
 * eventfd.  A loop drains the eventfd into the chip while an irqfd is there,
 * and the vCPU takes what is in the chip.
 *
 * Each raise is a bit.  What the code keeps as one bit or as a counter, the
 * model keeps as the set of the raises that have been merged in it; it is set
 * while the set is not empty.  Then:
 *   - each raise ends exactly once at a vCPU, or, where there is nobody that
 *     would take it on, in the eventfd or in the pending bit of a masked source;
 *   - nothing is posted to a VM that is closed, signalled to an eventfd that
 *     is let go, or delivered by a source whose mask call has returned.
 *
 * Steps are named as in the code:
 *   R1 load the entry         C1 change the entry
 *   R2 deliver by it          C2 wait for a grace period
 *   R3 set the pending bit    C3 deliver the pending bit (as R4, R5, R2)
 *   R4 load the entry again
 *   R5 take the pending bit
 */
/* broken: NO_GRACE NO_RECHECK CLEAR_FIRST DRAIN_FIRST DRAIN_DROPS KEEP_POST */
/* broken: NO_EXCHANGE */

#define RAISERS 2
#define RAISES 2 /* each */
#define OPS 3 /* and an assign before */
#define VMS 2

/* The entry: VM n's vCPU is POST + n. */
#define HOLD 0
#define SIGNAL 1
#define POST 2

byte entry = SIGNAL;
bool in_rcu[3]; /* the raisers, and the control plane in C3 */
byte pending; /* set of raises */
byte counter; /* set of raises: the eventfd */
bool fd_open = true;
byte chip[VMS]; /* set of raises: what the vCPU finds */
bool alive[VMS] = true;
byte delivered; /* set of raises */
bool quiet; /* a mask call has returned, the mask is not yet lifted */

/* The control plane's own. */
bool masked, ready = true, assigned, posted, watched;
byte vm;
byte raisers_done;
bool control_done;

/* A step of its own each: the target may go just before it. */
inline deliver(path, set)
{
	if
	:: path == SIGNAL ->
		atomic {
			assert(fd_open && !quiet);
			counter = counter | set
		}
	:: else ->
		atomic {
			assert(alive[path - POST] && !quiet);
			chip[path - POST] = chip[path - POST] | set
		}
	fi
}

/* R5: one exchange, or what it must not be. */
#ifdef NO_EXCHANGE
#define TAKE_PENDING(taken) taken = pending; pending = 0
#else
#define TAKE_PENDING(taken) atomic { taken = pending; pending = 0 }
#endif

/* R4, R5, R2.  The caller is in its read-side section. */
inline release(path, taken)
{
	path = entry; /* R4 */
	if
	:: path != HOLD ->
		TAKE_PENDING(taken); /* R5 */
		if
		:: taken -> deliver(path, taken)
		:: else
		fi
	:: else
	fi;
	path = 0;
	taken = 0
}

proctype raiser(byte me)
{
	byte n, path, taken, id;

	for (n : 0 .. RAISES - 1) {
		id = 1 << (me * RAISES + n);
		in_rcu[me] = true;
		path = entry; /* R1 */
		if
		:: path != HOLD ->
			deliver(path, id) /* R2 */
		:: else ->
			atomic { /* R3 */
				taken = pending;
				pending = pending | id
			}
#ifndef NO_RECHECK
			if
			:: !taken -> release(path, taken)
			:: else
			fi;
#endif
		fi;
		path = 0;
		taken = 0;
		in_rcu[me] = false
	}
	raisers_done++
}

/* The loop: drains and injects under the lock of its slot. */
inline drain_into(v)
{
	atomic {
		chip[v] = chip[v] | counter;
		counter = 0
	}
}

active proctype loop()
{
	do
	:: atomic { watched && counter -> drain_into(vm) }
	:: atomic {
		raisers_done == RAISERS && control_done &&
			!(watched && counter) -> break
	   }
	od
}

inline ack(v)
{
	atomic {
		chip[v] ->
		assert(!(delivered & chip[v]));
		delivered = delivered | chip[v];
		chip[v] = 0
	}
}

active proctype vcpu()
{
end:	do
	:: ack(0)
	:: ack(1)
	od
}

/* C2.  In turn: each has been seen outside once since it began. */
inline grace()
{
#ifndef NO_GRACE
	!in_rcu[0];
	!in_rcu[1]
#else
	skip
#endif
}

/* C1, under the source's lock, which the model's one control thread needs not */
inline update()
{
	if
	:: masked || !ready -> entry = HOLD
	:: else ->
		if
		:: posted -> entry = POST + vm
		:: else -> entry = SIGNAL
		fi
	fi
}

inline unhold()
{
	in_rcu[2] = true;
	release(path, taken); /* C3 */
	in_rcu[2] = false
}

inline mask()
{
	masked = true;
	update();
	grace();
	quiet = true
}

inline unmask()
{
	quiet = false;
	masked = false;
#ifdef CLEAR_FIRST
	atomic {
		taken = pending;
		pending = 0
	}
	update();
	path = entry;
	if
	:: taken && path != HOLD -> deliver(path, taken)
	:: else
	fi;
	path = 0;
	taken = 0
#else
	update();
	unhold()
#endif
}

/* The route begins or ceases to be one that can be posted. */
inline reroute()
{
	posted = !posted;
#ifdef DRAIN_FIRST
	/* What is signalled while it is posted nobody looks at. */
	if
	:: posted ->
		drain_into(vm);
		watched = false
	:: else ->
		watched = true
	fi;
#endif
	update();
	grace()
}

inline assign()
{
	assigned = true;
	watched = true;
	if
	:: ready -> posted = true; update()
	:: true /* a route that cannot be posted */
	fi
}

/*
 * Drain, with what it finds for the chip; disconnect; grace period.  Then the
 * VM may go, and another one have the eventfd.
 */
inline deassign()
{
	atomic {
#ifndef DRAIN_DROPS
		chip[vm] = chip[vm] | counter;
#endif
		counter = 0;
		watched = false
	}
#ifndef KEEP_POST
	posted = false;
	update();
#endif
	grace();
	assigned = false;
	if
	:: vm + 1 < VMS ->
		/* Closed; what was in its chip was delivered. */
		atomic {
			assert(!(delivered & chip[vm]));
			delivered = delivered | chip[vm];
			chip[vm] = 0;
			alive[vm] = false;
			posted = false;
			vm++
		}
	:: true
	fi
}

/* Raises are held back while there is no eventfd. */
inline take_eventfd()
{
	ready = false;
	update();
	posted = false;
	update();
	grace();
	/* Its irqfd, if any, takes what it had. */
	fd_open = false
}

inline give_eventfd()
{
	fd_open = true;
	if
	:: assigned -> posted = true; update()
	:: true
	fi;
	ready = true;
	update();
	unhold()
}

proctype control()
{
	byte n, path, taken;

	if
	:: assign()
	:: true
	fi;
	for (n : 1 .. OPS) {
		if
		:: !masked -> mask()
		:: masked -> unmask()
		:: assigned && ready -> reroute()
		:: !assigned -> assign()
		:: assigned -> deassign()
		:: ready -> take_eventfd()
		:: !ready -> give_eventfd()
		fi
	}
	control_done = true
}

#define ALL ((1 << (RAISERS * RAISES)) - 1)

init {
	atomic {
		run raiser(0);
		run raiser(1);
		run control()
	}
	/* All at rest: what is where? */
	atomic {
		raisers_done == RAISERS && control_done &&
			!(watched && counter) && !chip[0] && !chip[1] ->
		assert((delivered | counter | pending) == ALL);
		assert(!(delivered & counter) && !(delivered & pending) &&
		       !(counter & pending));
		assert(!pending || masked || !ready);
		assert(!counter || !assigned)
	}
}
