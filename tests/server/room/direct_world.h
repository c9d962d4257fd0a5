/* tests/server/room/direct_world.h: a room manager, clients with a media state, and the wires between them, in virtual time.
 *
 * Unlike harness.h everything takes time here and can break: WebSockets have latency, die at one end before the other
 * notices, and are resumed; the direct connection is set up by relayed signals, may be blocked or die; pictures flow over
 * the server when the publisher sends there and the room has not paused the receiver, and are decoded a while later.
 * Clients (direct_client.c) follow PROTOCOL.md §13 to the letter. The world checks after every event that each receiver
 * sees each sender over the path it shows.
 */
#ifndef TESTS_SERVER_ROOM_DIRECT_WORLD_H
#define TESTS_SERVER_ROOM_DIRECT_WORLD_H

#include "tests/server/room/harness.h"

#define WORLD_SEATS 4 /* doctor, patient, interpreter, observer */
#define WORLD_PCS   8
#define WORLD_LINKS 512
#define WORLD_QUEUE 4096
#define MS          INT64_C(1000)

/* When all sockets work, from when nothing but the topology stands in the way to the first picture over the server: the order
 * to send (150 ms at most, as every message), `sending`, a key frame (300 ms). */
#define FIRST_US    (650 * MS)

enum happening {
  TO_CLIENT, /* message                                        */
  TO_SERVER, /* message                                        */
  POKE,      /* something may have become decodable            */
  CONNECTS,  /* link `number`: ICE and DTLS are done           */
  CLIENT_SEES_LOSS,
  SERVER_SEES_LOSS,
  RESUMES,
  TRANSPORT_UP,
  JOINS,
  ACTS, /* the script: next_action() */
};

struct happened {
  int64_t at;
  uint64_t order;
  enum happening what;
  int seat, generation, number; /* generation: of the page, for messages of the socket */
  json_t *message;
};

/* One end of a direct connection. */
struct pc {
  int link, side;
  uint32_t attempt;
  bool open, connected_told, returning, swapped_told, ended, lingers, stalled, let_go, offering;
  int64_t ended_us, stall_told_us, offered_us, returning_us;
};

/* Both ends. */
struct link {
  uint32_t attempt;
  int seat[2], page[2];
  bool open[2], described[2], connecting, connected, dead;
  int64_t decode_us[2], dead_us, closed_us;
  int64_t screen_us[2]; /* of the one on this side, decodable from then on; 0: not there */
};

struct page {
  bool alive, joined, transport;
  int generation, socket;
  bool works, up, server_up; /* the socket: in truth, as the client and as the server believe */
  int64_t works_since_us;
  char session[40], id[ROOM_ID_BYTES];
  uint32_t handle;
  bool sending; /* to the server */
  bool screen;
  int64_t screen_us; /* decodable over the server from then on */
  int shows;         /* link + 1 of the direct connection it shows, 0: the server's */
  struct pc pcs[WORLD_PCS];
  int64_t next_id, inbound_us, outbound_us;
  /* what the server has told, checked as it is told */
  bool told_p2p;
  json_int_t told_direct; /* attempt that lives, 0 none */
};

/* What of one seat arrives at another one by way of the server. */
struct flow {
  bool flows, seen, screen_seen; /* seen: decoded once since both pages are there */
  int64_t decode_us, able_us;    /* able: since when nothing but the room's topology stands in the way */
  int64_t screen_able_us;
  int from_page, to_page;
};

struct world {
  struct room_manager *m;
  struct room_settings settings;
  int64_t now_us;
  uint64_t random;
  struct page pages[WORLD_SEATS];
  struct link links[WORLD_LINKS];
  int link_count;
  struct flow flows[WORLD_SEATS][WORLD_SEATS];
  bool blocked;  /* no new direct connection comes about */
  bool careless; /* clients lose, delay and repeat their reports */
  uint32_t paused[64];
  size_t paused_count;
  struct happened queue[WORLD_QUEUE];
  size_t queue_count;
  uint64_t order;
  void (*act)(struct world *w); /* the script */
  size_t switches, returns, forced;
};

uint32_t world_random(struct world *w, uint32_t below);
struct world *world_new(uint64_t seed);
void world_free(struct world *w);
void world_later(struct world *w, int64_t us, enum happening what, int seat, int number);
/* Lets `us` pass, event by event. */
void world_run(struct world *w, int64_t us);
/* The page loads, says hello and joins. */
void world_load(struct world *w, int seat);
/* …is gone without a word; the server sees that its socket is lost after `notice_us`. */
void world_unload(struct world *w, int seat, int64_t notice_us);
void world_request(struct world *w, int seat, const char *type, json_t *fields);
/* The socket stops working now; both ends notice later, and the client resumes after `us`. */
void world_break_socket(struct world *w, int seat, int64_t us);
const struct member *world_member(const struct world *w, int seat);
/* Pictures of `from` come to `to` over the server and are decoded. */
bool world_server_flows(const struct world *w, int from, int to);
bool world_direct_flows(const struct world *w, const struct pc *pc);

/* ---- direct_client.c */
void client_receive(struct world *w, int seat, const json_t *message);
/* Does what time has made possible. */
void client_step(struct world *w, int seat);
void client_sees_loss(struct world *w, int seat);
/* Says so and lets go of everything. */
void client_leave(struct world *w, int seat);
void client_connected(struct world *w, int link);

/* ---- direct_screen.c */
void screen_share(struct world *w, int seat, bool on);
void screen_described(struct world *w, int seat, struct pc *pc, const char *type);
void screen_step(struct world *w, int seat, struct pc *pc);
/* Both have described the link: with the screens that are shared by now. */
void screen_begins(struct world *w, struct link *l);
bool screen_direct(const struct world *w, const struct link *l, int side);
bool screen_on_server(const struct world *w, int from, int to);
/* The others know of it. */
bool screen_published(const struct world *w, int from);

#endif
