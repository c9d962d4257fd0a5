/* server/room/topology.h: does a room's media go through the server or straight between two members (design §5)?
 *
 *            BEGIN            SWITCH (both connected)         RETURN
 *   SFU ───────────► TRYING ─────────────────────► DIRECT ─────────► RETURNING ───► SFU
 *    ▲                  │ RETURN (failed, timeout, lost, room)           ▲     │ END
 *    └──────────────────┴───────────────────────────────────────────────┘     │ (both swapped, time-out)
 *    └── END at once from every state when one of the two is gone ─────────────┘
 *
 * Make before break, both ways: the server forwards all the time, except that from SWITCH on, after both have promised
 * (`connected`) that they play what comes directly, what the two send is held. The direct connection lives from BEGIN to
 * END. Attempts are numbered; what is said about another number is ignored.
 *
 * A third is never made to wait: RETURN comes in the very call that shows the change. But orders to the two travel on two
 * sockets. When RETURN comes soon after SWITCH, one of them (and the third) could take the other one's last pictures,
 * sent before it heard of SWITCH, for those sent after RETURN, and lose them in the next moment. So each one's media is
 * held until it has said `sending`; who stopped long ago has nothing to forward before that anyway.
 *
 * The machine alone: no room, no message, no clock. The owner tells it who is here (struct topology_input), asks for the
 * next action until there is none, does each, and comes back at topology_deadline() or when something has changed.
 */
#ifndef SERVER_ROOM_TOPOLOGY_H
#define SERVER_ROOM_TOPOLOGY_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum topology_phase { TOPOLOGY_SFU, TOPOLOGY_TRYING, TOPOLOGY_DIRECT, TOPOLOGY_RETURNING };

/* "sfu", "connecting", "connected", "returning": as clients see their attempt. */
const char *topology_phase_name(enum topology_phase phase);

enum topology_action {
  TOPOLOGY_NOTHING, /* until the deadline or a change                                                            */
  TOPOLOGY_BEGIN,   /* tell the two to connect (`direct`)                                                        */
  TOPOLOGY_SWITCH,  /* both play directly: hold what they send (topology.held), tell the room `p2p`              */
  TOPOLOGY_RETURN,  /* ask the two to send and come back (`topologyChanging`); why: topology.cause                */
  TOPOLOGY_END,     /* over: tell `sfu`; topology.had_switched says whether the room was ever told `p2p`          */
};

/* Why an attempt ends; the first that happens counts. */
enum topology_cause {
  TOPOLOGY_CAUSE_ROOM,    /* others came, somebody hidden came, the policy changed */
  TOPOLOGY_CAUSE_FAILED,  /* a client says so                                      */
  TOPOLOGY_CAUSE_STALLED, /* a client says so                                      */
  TOPOLOGY_CAUSE_TIMEOUT, /* not connected in time                                 */
  TOPOLOGY_CAUSE_LOST,    /* a socket broke while they were connecting             */
  TOPOLOGY_CAUSE_LEFT,    /* one of the two is gone                                */
  TOPOLOGY_CAUSES
};
const char *topology_cause_name(enum topology_cause cause); /* "room" and so on */

enum topology_report {
  TOPOLOGY_CONNECTED,
  TOPOLOGY_FAILED,
  TOPOLOGY_STALLED,
  TOPOLOGY_SENDING,
  TOPOLOGY_SWAPPED,
  TOPOLOGY_REPORTS
};
/* Writes *out and returns 0, or -1. */
int topology_report_parse(const char *name, enum topology_report *out);

enum topology_pair { TOPOLOGY_PAIR_HOST, TOPOLOGY_PAIR_SRFLX, TOPOLOGY_PAIR_RELAY, TOPOLOGY_PAIRS };

#define TOPOLOGY_RETRIES 2
struct topology_settings {
  int64_t settle_us;                  /* 5 s: from the third's leaving, or from an attempt's end, to the next    */
  int64_t connect_us;                 /* 3 s: from BEGIN to both connected                                       */
  int64_t sending_us;                 /* 500 ms: from RETURN, or an end without it, to media let through unsaid  */
  int64_t return_us;                  /* 4.5 s: from RETURN to END when somebody never says `swapped`            */
  int64_t retry_us[TOPOLOGY_RETRIES]; /* 30 s, 2 min: after the first and second failure; then none              */
  int64_t proven_us;                  /* 60 s: who was direct for so long has its earlier failures forgiven      */
};
void topology_settings_init(struct topology_settings *settings);

/* Counters of one worker. Only grow. */
#define TOPOLOGY_GAP_BUCKETS 9
enum topology_way { TOPOLOGY_TO_DIRECT, TOPOLOGY_TO_SFU, TOPOLOGY_WAYS };
struct topology_stats {
  uint64_t attempts;
  uint64_t connected, failed, timed_out, abandoned;   /* how attempts ended that had not switched, or did   */
  uint64_t returned, return_timed_out, return_left;   /* ways back after a switch                           */
  uint64_t causes[TOPOLOGY_CAUSES];                   /* of the ends of attempts that had switched          */
  uint64_t gaps[TOPOLOGY_WAYS][TOPOLOGY_GAP_BUCKETS]; /* reported by clients; bucket bounds: topology.c     */
  uint64_t gap_sum_ms[TOPOLOGY_WAYS], gap_count[TOPOLOGY_WAYS];
  uint64_t pairs[TOPOLOGY_PAIRS]; /* one of each client that connected */
};
void topology_stats_gap(struct topology_stats *stats, enum topology_way way, int64_t gap_ms);
/* {"attempts", "switches":{"direct":{outcome:n}, "sfu":{outcome:n}}, "causes":{}, "pairs":{}, "gapsMs":{"direct":
 * {"le":[33,…], "counts":[…, beyond], "sum", "count"}, "sfu":…}}. New reference. */
json_t *topology_stats_json(const struct topology_stats *stats);

struct topology_input {
  uint32_t wanted[2];            /* handles of the two who should talk directly, in join order; 0,0: nobody  */
  bool ready;                    /* those two can begin: sockets and media transports are up                 */
  bool crowded;                  /* more than two are here, hidden ones included                             */
  bool relay;                    /* ICE policy of an attempt that would begin now                            */
  bool present[2], reachable[2]; /* the two of the living attempt: still members; socket up                  */
};

struct topology {
  enum topology_phase phase;
  uint32_t attempt;  /* number of the living or, in SFU, the last attempt; 0 before the first */
  uint32_t peers[2]; /* handles; 0,0 before the first                                         */
  bool relay;
  bool had_switched;
  bool forced;  /* the last attempt ended before both had said `swapped`    */
  bool held[2]; /* forward nothing of what this one of the two sends        */
  enum topology_cause cause;
  /* private */
  bool connected[2], swapped[2], troubled, interrupted, crowded;
  bool pair_told[2], gap_told[TOPOLOGY_WAYS][2];
  enum topology_cause trouble;
  unsigned failures;
  int64_t since_us;            /* when the phase began                                 */
  int64_t held_until_us;       /* in RETURNING and SFU                                 */
  int64_t return_due_us;       /* INT64_MAX: put off, because one of the two is not there */
  int64_t settle_us, retry_us; /* not before                                           */
  int64_t deadline_us;
};

void topology_init(struct topology *t);

/* What client `side` (0, 1) says of attempt `attempt`. Stale and senseless reports change nothing. `pair` −1 and
 * `gap_ms` −1: not said. Ask for actions afterwards. */
void topology_report(struct topology *t, unsigned side, uint32_t attempt, enum topology_report report, int pair,
                     int64_t gap_ms, struct topology_stats *stats);

/* A socket of the two was exchanged and messages may be missing: as if it had been lost and had come back. */
void topology_interrupt(struct topology *t);

/* The next thing to do, already done here; call again until TOPOLOGY_NOTHING. */
enum topology_action topology_next(struct topology *t, const struct topology_input *in,
                                   const struct topology_settings *settings, int64_t now_us,
                                   struct topology_stats *stats);

/* When topology_next() wants to be called again; INT64_MAX: only after a change. */
int64_t topology_deadline(const struct topology *t);

/* Does the room's media go directly, as all members are told? (p2p from SWITCH to END) */
bool topology_is_direct(const struct topology *t);

#endif
