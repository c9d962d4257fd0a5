/* tests/server/calls/harness.h: pages of people around one call manager. Each page keeps what a client would know, from
 * notices alone; every notice is held against that knowledge, and harness_check() holds the manager's own data together. */
#ifndef TESTS_SERVER_CALLS_HARNESS_H
#define TESTS_SERVER_CALLS_HARNESS_H

#include "server/calls/internal.h"
#include "tests/server/check.h"

#define SECOND INT64_C(1000000)
#define PAGES  24
#define KNOWN  8 /* calls one page knows of at the same time */

struct known { /* a call as its caller's page knows it */
  char call[CALLS_ID_BYTES], room[SIGNALING_IDENTIFIER_BYTES + 1];
  char accepted[CALLS_INVITEES_MAX][16]; /* identities, by callAccepted */
  size_t accepted_count;
};

struct page {
  char id[16], identity[16], room[SIGNALING_IDENTIFIER_BYTES + 1];
  bool open, connected, joined, host;
  char incoming[CALLS_ID_BYTES]; /* rings here; "": nothing does */
  struct known outgoing[KNOWN];
  size_t outgoing_count;
  /* the last of each kind, for unit tests */
  enum calls_notice_kind last;
  enum calls_end last_end;
  char last_identity[16], last_reason[32];
  enum calls_state last_states[CALLS_INVITEES_MAX];
  bool last_busy, last_video;
  unsigned notices, ends, synced;
};

struct world {
  struct calls *calls;
  struct page pages[PAGES];
  struct page *inviting; /* whose invite runs: its call is not known to it yet */
  int64_t now_us;
  uint64_t random;
  unsigned refuse_enter; /* this many of the next `enter` fail */
  unsigned entered;
  unsigned accepts; /* all callAccepted and answered ends */
};

void world_start(struct world *w, uint64_t seed);
void world_end(struct world *w); /* closes every page, lets time pass, and nothing may be left */
uint32_t world_random(struct world *w, uint32_t below);
void world_check(struct world *w);
void world_pass(struct world *w, int64_t us); /* stops at each deadline */

/* `kind`: 'h' host, 'c' may call, 'p' may not call, 'o' observer; upper case: in the lobby, else with the room "ward". */
struct page *page_open(struct world *w, size_t i, const char *identity, char kind);
void page_lost(struct world *w, struct page *p);
void page_resumed(struct world *w, struct page *p);
void page_close(struct world *w, struct page *p);
void page_join(struct world *w, struct page *p);
void page_leave(struct world *w, struct page *p);
/* `to`: identities, comma-separated. On success the call is the last of p->outgoing, unless it is over already. */
enum signaling_error page_invite(struct world *w, struct page *p, const char *to, struct calls_invited *out);
enum signaling_error page_accept(struct world *w, struct page *p, const char *call);
enum signaling_error page_decline(struct world *w, struct page *p, const char *call);
enum signaling_error page_cancel(struct world *w, struct page *p, const char *call);

#endif
