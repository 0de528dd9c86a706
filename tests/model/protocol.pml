/* The protocol of core/lifecycle, core/lease and the stores as a model for spin: 2 worker processes, 2 jobs of one
 * dedupe key, an API, and everybody who judges. tests/model/check searches all of it, and shows that each of these
 * breaks it:
 *   -DNO_FENCE         a finish is written to whatever attempt runs
 *   -DNO_LEASE_CHECK   a rescue takes jobs from a node that is still in the table
 *   -DNO_ROW_CHECK     a claim does not ask whether its node is still in the table
 *   -DNO_UNIQUE_KEY    a create looks for its key first, and then inserts
 *
 * - One atomic step is one statement of the store, named as there (storage/postgres_*), or one message that an actor
 *   takes (actors/worker_pool, node, rescuer). A request and its answer travel: between any two steps anything else
 *   may happen. So a process that is stopped (SIGSTOP) or cut off is one that takes no step for a while; only that its
 *   beat gets old meanwhile must be said (`lapse`).
 * - There is no time: what a clock decides (backoff, window, expiry, an old beat) happens whenever it likes.
 * - A step that would change nothing is left out (a hint or a claim that finds nothing, a beat without news), so that
 *   a state without a next step is an end: there every job must be final. FAULTS bounds how many faults there are.
 * - To search less, a claim or a finish of a node in good standing is taken at once, unless something happens to it on
 *   its way (its process crashes, its answer is lost): sending it later would have been the same.
 */

/* Crashes, lapses and lost answers in one run, in any mix. */
#ifndef FAULTS
#define FAULTS 2
#endif
/* Cancels and reruns. With any, one of the jobs also expires if it is not started in time. */
#ifndef REQUESTS
#define REQUESTS 1
#endif
/* How often each of two clients submits; 0: both jobs are there from the start. */
#ifndef SUBMITS
#define SUBMITS 0
#endif

#define PROCESSES 2
#define JOBS 2
/* job_spec::max_attempts: with RETRIES the first job is tried again. */
#ifndef RETRIES
#define RETRIES 1
#endif
#define MAX_ATTEMPTS(j) (1 + (j == 0 && RETRIES))
#define MAX_RECOVERIES 1 /* lifecycle::max_recoveries, which is 3: the one after it quarantines */
/* Attempts of one job, and node ids of one process, that anything speaks of at one time (`tidy`): asserted. */
#define CLAIMS 4
#define STARTS 3
#define IDS (1 + PROCESSES * STARTS)

#define key(j, a) ((j) * CLAIMS + (a) - 1)
#define at(p, j) ((p) * JOBS + (j))
#define first_id(p) (1 + (p) * STARTS)
#define process_of(i) (((i) - 1) / STARTS)

mtype = { /* lifecycle::event */ claim, succeed, fail, retry, release, rescue, quarantine, cancel, expire, rerun };
mtype = { /* job_status */ created, running, success, failed, cancelled };
mtype = { /* a node's row */ fresh, overdue };
mtype = { /* what became of a run, truly */ written, taken };

/* ---- The store: what is on disk. */

typedef job_row {
  mtype status; /* 0: no such job */
  byte attempt;
  byte node;
  byte failures;
  byte recoveries;
  bit ready;
  bit cancel_requested;
  bit expires;
  /* Not in the store: how often it became final since it was created or rerun, and that its node lost its row while
   * the job ran there. */
  byte ends;
  bit orphaned;
};
job_row job[JOBS];

/* By node id; 0: no row. `same_beat`: the beat is the one that the rescue which is on its way has seen. */
mtype node_row[IDS];
bit condemned[IDS];
bit same_beat[IDS];

/* The row of job_dedupe: job number plus 1; 0: no row. */
byte standing;
bit window_over;
byte last_job;

/* By job and attempt: the node that claimed it; that job_attempts tells of an end which this run wrote itself. */
byte claimed_by[JOBS * CLAIMS];
bit recorded[JOBS * CLAIMS];

/* ---- The processes: what a crash forgets. */

byte id[PROCESSES];     /* 0: has not joined */
byte runs[PROCESSES * JOBS]; /* the attempt that runs there, 0: none */
bit outbox[JOBS * CLAIMS];

/* The claim in flight: its job plus 1 and node, its answer (an attempt), and that the pool has given it up. */
byte claim_of[PROCESSES];
byte claim_node[PROCESSES];
byte claim_answer[PROCESSES];
bit claim_unheard[PROCESSES];

/* The answer of a beat on its way to the pool: what the store says runs there and does not. `seen` is the pool's
 * `unexplained_`; `seen_claiming`: a claim that was in flight at first sight still is. */
bit told[PROCESSES];
byte told_runs[PROCESSES * JOBS];
byte seen[PROCESSES * JOBS];
bit seen_claiming[PROCESSES * JOBS];

/* ---- On the way: finishes by job and attempt, more than one if it was sent again. */

mtype event[JOBS * CLAIMS];
byte copies[JOBS * CLAIMS];
byte all_copies;

/* ---- What truly happened. */

mtype fate[JOBS * CLAIMS];
byte in_window; /* the job that was accepted in the window, plus 1 */
byte faults = FAULTS;
byte requests = REQUESTS;

/* Scratch of one step, zero between steps (`tidy`). Hidden variables would not do: spin does not restore them when it
 * goes back over a d_step. */
byte n;
byte k;
byte j_;
byte a_;
byte rest;
mtype e;
byte known;

#define is_final(s) (s == success || s == failed || s == cancelled)
#define has_row(i) (node_row[i] != 0)
/* By symmetry the first fault is that of process 0. Where clients submit, what faults do to workers is left out. */
#define may_fail(p) (!SUBMITS && faults && (faults < FAULTS || p == 0))
/* JOB_CONCURRENCY is 1. */
#define has_slot(p) (!runs[at(p, 0)] && !runs[at(p, 1)])
#define may_claim(p) (has_row(id[p]) && has_slot(p) && !claim_of[p] && (claimable(0) || claimable(1)))
#define claimable(j) (job[j].status == created && job[j].ready)
/* In the eyes of the pool. */
#define claiming(p) (claim_of[p] && !claim_unheard[p])
/* A run, or a process that still thinks so, of a node that nobody has condemned. */
#define runs_with_lease(p, j) (runs[at(p, j)] && has_row(claimed_by[key(j, runs[at(p, j)])]))
#define unexplained(p, j) \
  (job[j].status == running && job[j].node == id[p] && runs[at(p, j)] != job[j].attempt && \
   !outbox[key(j, job[j].attempt)])
/* A beat would tell the pool something that it can act upon. */
#define news(p, j) \
  (unexplained(p, j) && (seen[at(p, j)] != job[j].attempt || !seen_claiming[at(p, j)]))

/* Ends each step. Numbers of attempts and of nodes are only compared with one another. So what nobody speaks of any
 * more is forgotten, and its number given out again: without this, states that differ in nothing else would be counted
 * apart. */
#define attempt_spoken_of(p) \
  (runs[at(p, j_)] == a_ || seen[at(p, j_)] == a_ || told_runs[at(p, j_)] == a_ || \
   (claim_of[p] == j_ + 1 && claim_answer[p] == a_))
#define still_seen(p) (told[p] || (job[j_].status == running && job[j_].attempt == seen[at(p, j_)]))

inline tidy() {
  d_step {
    j_ = 0;
    do
    :: j_ < JOBS ->
       if
       :: !still_seen(0) -> seen[at(0, j_)] = 0; seen_claiming[at(0, j_)] = 0
       :: else
       fi;
       if
       :: !still_seen(1) -> seen[at(1, j_)] = 0; seen_claiming[at(1, j_)] = 0
       :: else
       fi;
       a_ = 1;
       do
       :: a_ <= CLAIMS ->
          k = key(j_, a_);
          if
          :: !claimed_by[k]
          :: claimed_by[k] && (copies[k] || outbox[k] || attempt_spoken_of(0) || attempt_spoken_of(1) || (
             job[j_].status == running && job[j_].attempt == a_))
          :: else ->
             claimed_by[k] = 0;
             recorded[k] = 0;
             event[k] = 0;
             fate[k] = 0;
             if
             :: job[j_].attempt == a_ -> job[j_].attempt = 0; job[j_].node = 0
             :: else
             fi
          fi;
          a_++
       :: else -> break
       od;
       j_++
    :: else -> break
    od;
    n = 0;
    k = 0;
    j_ = 0;
    a_ = 0;
    rest = 0;
    e = 0;
    known = 0
  }
}

/* The only place where a status changes. The last three are a row of the table in core/lifecycle.cpp. */
inline become(j, what, from, to) {
  assert(job[j].status == from);
  printf("job %d, attempt %d: %e, %e -> %e\n", j, job[j].attempt, what, from, to);
  e = what;
  job[j].status = to;
  job[j].orphaned = 0;
  job[j].ends = job[j].ends + is_final(to);
  assert(job[j].ends <= 1)
}

/* ---- storage/postgres_create */

inline insert_job(j) {
  printf("job %d: create\n", j);
  assert(!in_window);
  in_window = j + 1;
  standing = j + 1;
  window_over = 0;
  last_job = j + 1;
  job[j].status = created;
  job[j].ready = 1;
  job[j].expires = (j == 1 && REQUESTS > 0)
}

/* ---- storage/postgres_claim: of process `p`, whose answer may be lost. */

inline claim_hinted(p) {
  j_ = claim_of[p] - 1;
  if
#ifdef NO_ROW_CHECK
  :: claimable(j_) ->
#else
  :: claimable(j_) && has_row(claim_node[p]) ->
#endif
     /* attempt + 1 is one that was never there; so is this (`tidy`). */
     a_ = 1;
     do
     :: claimed_by[key(j_, a_)] -> a_++; assert(a_ <= CLAIMS)
     :: else -> break
     od;
     job[j_].attempt = a_;
     job[j_].node = claim_node[p];
     become(j_, claim, created, running);
     claimed_by[key(j_, job[j_].attempt)] = claim_node[p];
     if
     :: claim_unheard[p] -> forget_claim(p)
     :: else -> claim_answer[p] = job[j_].attempt
     fi
  :: else -> forget_claim(p)
  fi
}

inline forget_claim(p) {
  claim_of[p] = 0;
  claim_node[p] = 0;
  claim_answer[p] = 0;
  claim_unheard[p] = 0;
  n = 0;
  do
  :: n < JOBS -> seen_claiming[at(p, n)] = 0; n++
  :: else -> break
  od
}

/* ---- storage/postgres_finish: of attempt `a_` of job `j_`, which is `k`. Sets `known`: the answer is "accepted". */

inline finish_running() {
  e = event[k];
  if
#ifdef NO_FENCE
  :: job[j_].status == running ->
#else
  :: job[j_].status == running && job[j_].attempt == a_ && job[j_].node == claimed_by[k] ->
#endif
     assert(fate[k] == 0);
     fate[k] = written;
     known = 1;
     if
     :: job[j_].cancel_requested && (e == retry || e == release) -> e = cancel
     :: else
     fi;
     if
     :: e == succeed -> become(j_, succeed, running, success)
     :: e == fail -> become(j_, fail, running, failed)
     :: e == cancel -> become(j_, cancel, running, cancelled)
     :: e == retry ->
        become(j_, retry, running, created);
        job[j_].failures++;
        job[j_].ready = 0;
        recorded[k] = 1
     :: e == release ->
        become(j_, release, running, created);
        job[j_].node = 0;
        recorded[k] = 1
     fi;
     job[j_].cancel_requested = 0
  :: else -> find_finished()
  fi
}

inline find_finished() {
  known = (job[j_].status != running && job[j_].attempt == a_ && job[j_].node == claimed_by[k]) || recorded[k];
  /* The answer is true. */
  assert(known == (fate[k] == written))
}

/* ---- storage/postgres_nodes */

/* CLAIMS of them. */
#define claims_of(i, k0) \
  (claimed_by[k0] == i || claimed_by[k0 + 1] == i || claimed_by[k0 + 2] == i || claimed_by[k0 + 3] == i)
#define spoken_of(i) \
  (has_row(i) || condemned[i] || id[0] == i || id[1] == i || claim_node[0] == i || claim_node[1] == i || \
   job[0].node == i || job[1].node == i || claims_of(i, 0) || claims_of(i, CLAIMS))

inline insert_node(p) {
  rest = first_id(p);
  do
  :: spoken_of(rest) -> rest++; assert(rest < first_id(p) + STARTS)
  :: else -> break
  od;
  id[p] = rest;
  node_row[rest] = fresh;
  printf("process %d: node %d joins\n", p, rest)
}

inline delete_node(i) {
  node_row[i] = 0;
  same_beat[i] = 0;
  n = 0;
  do
  :: n < JOBS ->
     if
     :: job[n].status == running && job[n].node == i -> job[n].orphaned = 1
     :: else
     fi;
     n++
  :: else -> break
  od
}

/* What rescue_from does with one job. */
inline rescue_job(j) {
  /* A job is charged only for nodes that died under it. */
  assert(job[j].orphaned);
  k = key(j, job[j].attempt);
  assert(fate[k] == 0);
  fate[k] = taken;
  if
  :: job[j].cancel_requested -> become(j, cancel, running, cancelled)
  :: !job[j].cancel_requested && job[j].recoveries < MAX_RECOVERIES -> become(j, rescue, running, created)
  :: !job[j].cancel_requested && job[j].recoveries >= MAX_RECOVERIES -> become(j, quarantine, running, failed)
  fi;
  job[j].recoveries++;
  job[j].node = 0;
  job[j].cancel_requested = 0
}

/* By the judge who saw node `i` overdue. Skips what is locked. */
inline rescue_from(i) {
  condemned[i] = 0;
  if
  :: has_row(i) && same_beat[i] -> printf("node %d is condemned\n", i); delete_node(i)
  :: else
  fi;
  same_beat[i] = 0;
#ifndef NO_LEASE_CHECK
  if
  :: !has_row(i) ->
#endif
     j_ = 0;
     do
     :: j_ < JOBS && job[j_].status == running && job[j_].node == i -> rescue_job(j_); j_++
     /* Locked, by a finish or a cancel. */
     :: j_ < JOBS && job[j_].status == running && job[j_].node == i &&
        (copies[key(j_, job[j_].attempt)] || requests) -> j_++
     :: j_ < JOBS && !(job[j_].status == running && job[j_].node == i) -> j_++
     :: j_ == JOBS -> break
     od
#ifndef NO_LEASE_CHECK
  :: else
  fi
#endif
}

/* ---- actors/worker_pool of process `p` */

/* Holds the outcome of attempt `a` of job `j` until it is written, and sends it. */
inline send_finish(j, a, what) {
  k = key(j, a);
  assert(!outbox[k] && !copies[k]);
  event[k] = what;
  outbox[k] = 1;
  copies[k] = 1;
  all_copies++;
  printf("job %d, attempt %d: its node sends %e\n", j, a, what)
}

inline claimed(p) {
  j_ = claim_of[p] - 1;
  a_ = claim_answer[p];
  if
  :: claim_node[p] != id[p] -> send_finish(j_, a_, release)
  :: else ->
     assert(!runs[at(p, j_)]);
     runs[at(p, j_)] = a_;
     /* Nobody else runs it who has not lost his lease. */
     assert(!(runs_with_lease(0, j_) && runs_with_lease(1, j_)))
  fi;
  forget_claim(p)
}

/* Of job `j_`. */
inline ended(p) {
  a_ = runs[at(p, j_)];
  runs[at(p, j_)] = 0;
  if
  :: send_finish(j_, a_, succeed)
  :: job[j_].failures + 1 < MAX_ATTEMPTS(j_) -> send_finish(j_, a_, retry)
  :: job[j_].failures + 1 >= MAX_ATTEMPTS(j_) -> send_finish(j_, a_, fail)
  /* It was told to end. */
  :: job[j_].cancel_requested && job[j_].attempt == a_ -> send_finish(j_, a_, cancel)
  /* It is given back: a shutdown, or an exclusive job out of its lease. */
  :: may_fail(p) -> faults--; send_finish(j_, a_, release)
  fi
}

/* One finish on its way, which is `k`: it is written, and its answer is heard or not; or it is sent again before. */
inline travel() {
  if
  :: finish_running();
     if
     :: copies[k]--; all_copies--; outbox[k] = 0
     :: outbox[k] && faults -> faults--; printf("job %d, attempt %d: the answer is lost\n", j_, a_)
     fi
  :: outbox[k] && faults && copies[k] == 1 ->
     faults--;
     copies[k]++;
     all_copies++;
     printf("job %d, attempt %d: the finish is sent again\n", j_, a_)
  fi
}

inline drop_runs(p) {
  n = 0;
  do
  :: n < JOBS ->
     runs[at(p, n)] = 0;
     seen[at(p, n)] = 0;
     seen_claiming[at(p, n)] = 0;
     n++
  :: else -> break
  od
}

/* beat_and_look, with what it says runs here. */
inline beat_and_look(p) {
  told[p] = 1;
  n = 0;
  do
  :: n < JOBS ->
     if
     :: unexplained(p, n) -> told_runs[at(p, n)] = job[n].attempt
     :: else -> told_runs[at(p, n)] = 0
     fi;
     n++
  :: else -> break
  od
}

inline beaten(p) {
  told[p] = 0;
  j_ = 0;
  do
  :: j_ < JOBS ->
     a_ = told_runs[at(p, j_)];
     told_runs[at(p, j_)] = 0;
     if
     :: a_ == 0 || runs[at(p, j_)] == a_ || outbox[key(j_, a_)] -> seen[at(p, j_)] = 0
     :: else ->
        if
        :: seen[at(p, j_)] == a_ && !seen_claiming[at(p, j_)] ->
           seen[at(p, j_)] = 0;
           send_finish(j_, a_, release)
        :: seen[at(p, j_)] == a_ && seen_claiming[at(p, j_)]
        :: seen[at(p, j_)] != a_ -> seen[at(p, j_)] = a_; seen_claiming[at(p, j_)] = claiming(p)
        fi
     fi;
     j_++
  :: else -> break
  od
}

/* SIGKILL, or the end of a shutdown that could not wait: what was sent is still on its way. */
inline crash(p) {
  printf("process %d: node %d crashes\n", p, id[p]);
  drop_runs(p);
  k = 0;
  do
  :: k < JOBS * CLAIMS ->
     if
     :: outbox[k] && process_of(claimed_by[k]) == p -> outbox[k] = 0
     :: else
     fi;
     k++
  :: else -> break
  od;
  told[p] = 0;
  told_runs[at(p, 0)] = 0;
  told_runs[at(p, 1)] = 0;
  if
  :: claim_of[p] && claim_answer[p] -> forget_claim(p)
  :: claim_of[p] && !claim_answer[p] -> claim_unheard[p] = 1
  :: else
  fi;
  id[p] = 0
}

proctype worker(byte p) {
end:
  do
  :: atomic {
       if
       /* A new process, or one that finds itself condemned: its pool drops what it runs. */
       :: !told[p] && !has_row(id[p]) ->
          drop_runs(p);
          tidy();
          insert_node(p)
       :: node_row[id[p]] == fresh && may_fail(p) ->
          printf("process %d: node %d lapses\n", p, id[p]);
          faults--;
          node_row[id[p]] = overdue
       :: node_row[id[p]] == overdue ->
          printf("process %d: node %d beats again\n", p, id[p]);
          node_row[id[p]] = fresh;
          same_beat[id[p]] = 0
       :: has_row(id[p]) && !told[p] && (news(p, 0) || news(p, 1)) -> beat_and_look(p)
       :: told[p] -> beaten(p)

       :: may_claim(p) ->
          if
          :: claimable(0) -> claim_of[p] = 1
          :: claimable(1) -> claim_of[p] = 2
          fi;
          claim_node[p] = id[p];
          if
          /* What can happen to it on its way: its node is condemned, its answer is waited for in vain, or nothing. */
          :: node_row[id[p]] == overdue
          :: may_fail(p) -> faults--; claim_unheard[p] = 1; printf("process %d: a claim is given up\n", p)
          :: may_fail(p) -> faults--; claim_unheard[p] = 1; crash(p)
          :: node_row[id[p]] == fresh -> claim_hinted(p)
          fi
       :: claim_of[p] && !claim_answer[p] -> claim_hinted(p)
       :: claim_answer[p] -> claimed(p)
       :: claiming(p) && claim_answer[p] && may_fail(p) ->
          printf("process %d: the answer to a claim is lost\n", p);
          faults--;
          forget_claim(p)

       :: runs[at(p, 0)] || runs[at(p, 1)] ->
          if
          :: runs[at(p, 0)] -> j_ = 0
          :: runs[at(p, 1)] -> j_ = 1
          fi;
          ended(p);
          if
          /* As with a claim. */
          :: node_row[id[p]] == overdue || !has_row(id[p])
          :: may_fail(p) -> faults--; crash(p)
          :: node_row[id[p]] == fresh -> travel()
          fi

       :: id[p] && may_fail(p) ->
          faults--;
          crash(p)
       fi;
       tidy()
     }
  od
}

/* The finishes on their way, in any order. */
proctype mail() {
end:
  do
  :: atomic {
       if
       :: all_copies ->
          k = 0;
          rest = all_copies;
          do
          :: copies[k] -> break
          :: rest > copies[k] -> rest = rest - copies[k]; k++
          od;
          j_ = k / CLAIMS;
          a_ = k % CLAIMS + 1;
          travel()
       fi;
       tidy()
     }
  od
}

/* Whoever judges node `i`: a beat that is not renewed gets old, and is seen so twice. */
proctype judge(byte i) {
end:
  do
  :: atomic {
       if
       /* One that is dead will never beat again, so it does not matter when it is seen. */
       :: has_row(i) && id[process_of(i)] != i -> same_beat[i] = 1; rescue_from(i)
       :: node_row[i] == overdue && !condemned[i] && id[process_of(i)] == i -> condemned[i] = 1; same_beat[i] = 1
       :: condemned[i] -> rescue_from(i)
       fi;
       tidy()
     }
  od
}

/* Orphans, which are never locked for ever; and what comes with time. */
proctype upkeep(byte j) {
end:
  do
  :: atomic {
       if
       :: job[j].status == running && !has_row(job[j].node) -> rescue_job(j)
       /* turn_due_ready */
       :: job[j].status == created && !job[j].ready -> job[j].ready = 1
       /* fail_expired */
       :: job[j].status == created && job[j].expires ->
          become(j, expire, created, failed);
          job[j].ready = 1
       fi;
       tidy()
     }
  od
}

/* A client's cancels and reruns of a job. */
proctype user(byte j) {
end:
  do
  :: atomic {
       if
       :: requests && job[j].status == created ->
          requests--;
          become(j, cancel, created, cancelled);
          job[j].ready = 1
       :: requests && job[j].status == running && !job[j].cancel_requested ->
          requests--;
          job[j].cancel_requested = 1
       :: requests && (job[j].status == failed || job[j].status == cancelled) ->
          requests--;
          if
          :: job[j].node -> recorded[key(j, job[j].attempt)] = 1
          :: else
          fi;
          job[j].ends = 0;
          if
          :: job[j].status == failed -> become(j, rerun, failed, created)
          :: job[j].status == cancelled -> become(j, rerun, cancelled, created)
          fi;
          job[j].ready = 1;
          job[j].expires = 0;
          job[j].failures = 0;
          job[j].recoveries = 0;
          job[j].node = 0
       fi;
       tidy()
     }
  od
}

/* Submits the key, again if the commit's answer is lost, and checks the id that it is given: it must be one that
 * stood for the key at some time from asking to answering. */
proctype client() {
  byte submits = SUBMITS;
  byte stood;
  byte answer;
end:
  do
  :: atomic { submits ->
       submits--;
       stood = (in_window -> 1 << in_window : 0)
     }
insert:
#ifdef NO_UNIQUE_KEY
     if
     :: atomic { standing && !window_over -> stood = stood | (1 << in_window) }; goto read
     :: else
     fi;
     atomic {
#else
     atomic {
       if
       :: standing && !window_over -> stood = stood | (1 << in_window); goto read
       :: else
       fi;
#endif
       /* The model has no third job. */
       if
       :: last_job == JOBS -> goto done
       :: else
       fi;
       j_ = last_job;
       insert_job(j_);
       j_ = 0;
       answer = in_window;
       stood = stood | (1 << answer);
       if
       :: goto answered
       :: faults -> faults--; printf("the answer to a create is lost\n"); answer = 0; goto insert
       fi
     }
read:
     atomic {
       stood = stood | (in_window -> 1 << in_window : 0);
       if
       :: standing -> answer = standing
       :: else -> goto insert
       fi
     }
answered:
     atomic {
       assert(job[answer - 1].status);
       assert(stood & (1 << answer));
       answer = 0;
       stood = 0
     }
  od;
done:
  skip
}

/* The window ends once, and the row may be pruned then. */
proctype window() {
end:
  atomic { standing && !window_over -> window_over = 1; in_window = 0 };
end_prune:
  atomic { standing && window_over -> standing = 0; window_over = 0 }
}

init {
  atomic {
    run worker(0);
    run worker(1);
    run mail();
    run upkeep(0);
    run upkeep(1);
    run user(0);
    run user(1);
    n = 1;
    do
    :: n < IDS -> run judge(n); n++
    :: else -> break
    od;
#if SUBMITS
    n = 0;
    run client();
    run client();
    run window()
#else
    insert_job(0);
    in_window = 0;
    insert_job(1);
    n = 0
#endif
  };
  /* Nothing goes on: no job is lost. */
end:
  timeout ->
    assert(!job[0].status || is_final(job[0].status));
    assert(!job[1].status || is_final(job[1].status))
}
