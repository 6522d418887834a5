/* limits: two nodes share two budgets through escrow leases; three requests need both budgets at once.

   A node spends only what it has been leased; the store leases only what is left. Messages are delivered once, twice, late, or after
   the node that sent them has been killed and has started again. Checked in every reachable state:

     I1  what providers bill never exceeds a budget
     I3  each request is resolved at most once, by its node and by the store
     I7  posted and leased together never exceed a budget, and a node's lease is what it holds, reserves and has not yet reported

   Models/check.sh runs it exhaustively, then once for each of the mistakes below, each of which must be found:
     CHECK_THEN_TAKE     budgets are looked at first and taken later
     POST_TWICE          the store does not remember which reports it has posted
     GRANT_TWICE         the store does not remember which question it has answered
     TAKE_TWICE          a node takes an answer as often as it comes
     NO_EPOCH            grants for a life of the node that is over are taken
     FORGET_SENT         recovery gives back what was sent and not settled */

#define NODES 2
#define BUDGETS 2
#define REQUESTS 3
#define CRASHES 1
/* The second node asks once, and only the first is killed: names of nodes mean nothing. */
#define asks(n) (2 - (n))

#define none 0
#define reserved 1
#define sent 2
#define settled 3
#define voided 4

#define at(n, b) ((n) * BUDGETS + (b))

/* The store: durable, one transaction at a time. */
byte limit[BUDGETS];
byte posted[BUDGETS];
byte lease[NODES * BUDGETS];
byte answered[NODES * BUDGETS]     /* the number of the last question that was answered */
byte answer[NODES * BUDGETS]       /* and what was leased for it */
bool applied[REQUESTS];
byte postings[REQUESTS];

/* Journals: durable, one a node. */
byte state[REQUESTS];
byte owner[REQUESTS];
byte cost[REQUESTS];               /* what it was settled at */
byte resolutions[REQUESTS];
byte epoch[NODES];
byte asked[NODES * BUDGETS];       /* the number of the last question that was put */

/* Memory of the nodes. */
byte have[NODES * BUDGETS];
bool waits[NODES * BUDGETS];

/* Ghosts. */
byte bill[REQUESTS];               /* what the provider bills, from the moment at which it is reached */
byte crashes;

/* Scratch of single steps: no state. */
hidden byte r, b, number, size, life, from;

/* Question: node, budget, number, epoch. Report: request. Both may arrive twice. */
chan questions = [1] of { byte, byte, byte, byte };
chan grants = [1] of { byte, byte, byte, byte, byte };
chan reports = [1] of { byte };

/* The first request is twice as large as the others. */
#define need(r) ((r) == 0 -> 2 : 1)
#define open(r, n) ((state[r] == reserved || state[r] == sent) && owner[r] == (n) -> need(r) : 0)
#define unreported(r, n) (state[r] == settled && owner[r] == (n) && !applied[r] -> need(r) : 0)
#define held(n) (open(0, n) + open(1, n) + open(2, n) + unreported(0, n) + unreported(1, n) + unreported(2, n))
#define billed (bill[0] + bill[1] + bill[2])

/* While an answer is on its way a lease may be more than its node knows of; else nothing is lost and nothing is made. */
inline keeps(n, b) {
    assert(have[at(n, b)] + held(n) <= lease[at(n, b)] && (waits[at(n, b)] || have[at(n, b)] + held(n) == lease[at(n, b)]))
}

inline check() {
    assert(posted[0] + lease[at(0, 0)] + lease[at(1, 0)] <= limit[0]);
    assert(posted[1] + lease[at(0, 1)] + lease[at(1, 1)] <= limit[1]);
    assert(billed <= limit[0] && billed <= limit[1]);
    assert(resolutions[0] <= 1 && resolutions[1] <= 1 && resolutions[2] <= 1);
    assert(postings[0] <= 1 && postings[1] <= 1 && postings[2] <= 1);
    keeps(0, 0); keeps(0, 1); keeps(1, 0); keeps(1, 1)
}

/* What is left of a lease after a start: all of it but what the journal holds open or has not got through to the store. Read in one
   transaction with what the store has posted. */
inline recover(n) {
    r = 0;
    do
    :: r < REQUESTS ->
        if
        :: owner[r] == n && state[r] == reserved -> state[r] = voided; resolutions[r]++
        :: owner[r] == n && state[r] == sent ->
#ifdef FORGET_SENT
            state[r] = voided; resolutions[r]++
#else
            state[r] = settled; cost[r] = need(r); resolutions[r]++
#endif
        :: else
        fi;
        r++
    :: else -> break
    od;
    epoch[n]++;
    b = 0;
    do
    :: b < BUDGETS ->
        have[at(n, b)] = lease[at(n, b)] - held(n);
        waits[at(n, b)] = false;
        b++
    :: else -> break
    od
}

proctype Node(byte n) {
#ifdef CHECK_THEN_TAKE
    byte seen[2] = 255;
#endif
    do
    /* Ask for a lease: a number of its own in each life, so that what comes twice is known. */
    :: atomic {
        (have[at(n, 0)] < 2 && !waits[at(n, 0)] && nfull(questions) && asked[at(n, 0)] < asks(n)) -> b = 0;
        asked[at(n, b)]++; waits[at(n, b)] = true; questions!n,b,asked[at(n, b)],epoch[n]
       }
    :: atomic {
        (have[at(n, 1)] < 2 && !waits[at(n, 1)] && nfull(questions) && asked[at(n, 1)] < asks(n)) -> b = 1;
        asked[at(n, b)]++; waits[at(n, b)] = true; questions!n,b,asked[at(n, b)],epoch[n]
       }
    /* The question is put again, since no answer came. */
    :: atomic {
        (waits[at(n, 0)] && nfull(questions)) -> questions!n,0,asked[at(n, 0)],epoch[n]
       }
    :: atomic {
        grants??[eval(n), _, _, _, _] -> grants??eval(n),b,number,life,size;
        if
#ifdef NO_EPOCH
        :: waits[at(n, b)] || life != epoch[n] -> have[at(n, b)] = have[at(n, b)] + size; waits[at(n, b)] = false
#elif defined(TAKE_TWICE)
        :: life == epoch[n] -> have[at(n, b)] = have[at(n, b)] + size; waits[at(n, b)] = false
#else
        :: waits[at(n, b)] && number == asked[at(n, b)] && life == epoch[n] ->
            have[at(n, b)] = have[at(n, b)] + size; waits[at(n, b)] = false
#endif
        :: else
        fi;
        check()
       }
    /* A request comes: both budgets or none. */
#ifdef CHECK_THEN_TAKE
    :: atomic { seen[0] == 255 -> seen[0] = have[at(n, 0)]; seen[1] = have[at(n, 1)] }
    :: atomic {
        seen[0] != 255 -> select(r : 0..2);
        if
        :: state[r] == none && seen[0] >= need(r) && seen[1] >= need(r) ->
            state[r] = reserved; owner[r] = n;
            have[at(n, 0)] = (have[at(n, 0)] > need(r) -> have[at(n, 0)] - need(r) : 0);
            have[at(n, 1)] = (have[at(n, 1)] > need(r) -> have[at(n, 1)] - need(r) : 0)
        :: else -> seen[0] = 255
        fi;
        check()
       }
#else
    :: atomic {
        (state[0] == none || state[1] == none || state[2] == none) -> select(r : 0..2);
        if
        :: state[r] == none && have[at(n, 0)] >= need(r) && have[at(n, 1)] >= need(r) ->
            state[r] = reserved; owner[r] = n;
            have[at(n, 0)] = have[at(n, 0)] - need(r); have[at(n, 1)] = have[at(n, 1)] - need(r)
        :: else
        fi;
        check()
       }
#endif
    /* It goes on: void, sent, settled. The bill is made when the provider is reached. */
    :: atomic {
        (open(0, n) || open(1, n) || open(2, n)) -> select(r : 0..2);
        if
        :: owner[r] == n && state[r] == reserved ->
            state[r] = voided; resolutions[r]++;
            have[at(n, 0)] = have[at(n, 0)] + need(r); have[at(n, 1)] = have[at(n, 1)] + need(r)
        :: owner[r] == n && state[r] == reserved ->
            state[r] = sent;
            if
            :: bill[r] = need(r)
            :: bill[r] = need(r) - 1
            fi
        :: owner[r] == n && state[r] == sent -> state[r] = settled; cost[r] = bill[r]; resolutions[r]++
        :: else
        fi;
        check()
       }
    /* What is settled is reported until the store has it; a report may be put again although it has arrived. */
    :: atomic {
        nfull(reports) && (unreported(0, n) || unreported(1, n) || unreported(2, n)) -> select(r : 0..2);
        if
        :: unreported(r, n) -> reports!r
        :: else
        fi
       }
    :: atomic {
        n == 0 && crashes < CRASHES -> crashes++; recover(n); check()
       }
    :: timeout -> break
    od
}

proctype Store() {
end:
    do
    :: atomic {
        nfull(grants) && nempty(questions) -> questions?from,b,number,life;
        if
        /* A life of the node that is over asks in vain: what was leased to it is counted in its lease already. */
        :: life != epoch[from] -> skip
#ifndef GRANT_TWICE
        :: life == epoch[from] && number == answered[at(from, b)] -> grants!from,b,number,life,answer[at(from, b)]
        :: life == epoch[from] && number != answered[at(from, b)] ->
#else
        :: life == epoch[from] ->
#endif
            size = limit[b] - posted[b] - lease[at(0, b)] - lease[at(1, b)];
            if
            :: size > 2 -> size = 2
            :: size > 1 -> size = 1
            :: else
            fi;
            lease[at(from, b)] = lease[at(from, b)] + size;
            answered[at(from, b)] = number; answer[at(from, b)] = size;
            grants!from,b,number,life,size
        fi;
        check()
       }
    :: atomic {
        nempty(reports) -> reports?r;
        if
#ifdef POST_TWICE
        :: true ->
#else
        :: applied[r]
        :: !applied[r] ->
#endif
            applied[r] = true; postings[r]++;
            b = 0;
            do
            :: b < BUDGETS ->
                lease[at(owner[r], b)] = lease[at(owner[r], b)] - need(r);
                posted[b] = posted[b] + cost[r];
                b++
            :: else -> break
            od;
#ifndef POST_TWICE
            cost[r] = 0;
#endif
            /* It arrives a second time. */
            if
            :: nfull(reports) -> reports!r
            :: true
            fi
        fi;
        check()
       }
    od
}

init {
    atomic {
        limit[0] = 3; limit[1] = 2;
        run Store(); run Node(0); run Node(1)
    }
}
