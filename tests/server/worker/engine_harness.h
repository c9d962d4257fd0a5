/* tests/server/worker/engine_harness.h: a real engine and a real room manager on a loopback socket, and scripted browsers.
 *
 * Time is virtual: nothing happens between calls but what harness_advance() lets happen. Datagrams are real: each member has
 * a UDP socket, libnice's STUN, OpenSSL's DTLS client and libsrtp2, and shares no code with the transport under test. After
 * each call that sends, harness_pump() moves datagrams until none is on its way, counted, so nothing is guessed by waiting.
 *
 *   struct harness *h = harness_new();
 *   struct browser *m = harness_join(h, "doctor");     session, join
 *   browser_offer(m, "chromium");                       tests/signaling/offers/chromium.sdp with this member's keys
 *   browser_connect(m);                                 ICE, DTLS, SRTP
 *   browser_publish(m, "0", "microphone");
 *   struct source mic = source_audio(m, "0"); source_send(&mic, false);
 *   … other->rtp[0 … other->rtp_count) holds what came, in the clear
 *   harness_free(h);                                   everybody leaves; every table of the engine must then be empty
 */
#ifndef TESTS_SERVER_WORKER_ENGINE_HARNESS_H
#define TESTS_SERVER_WORKER_ENGINE_HARNESS_H

/* cmocka wants these before itself. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <jansson.h>

#include "rtp/packet.h"
#include "rtp/rtcp.h"
#include "server/worker/engine.h"
#include "server/worker/room_glue.h"
#include "tests/ice/media_client.h"
#include "tests/ice/stun_client.h"

#define SECOND          INT64_C(1000000)
#define MILLISECOND     INT64_C(1000)
#define HARNESS_SEATS   8
#define BROWSER_PACKETS 4096
#define BROWSER_PWD     "browserpwdbrowserpwdbrowser"

struct sctp_association;

/* What lies between the engine and a member: a bottleneck in virtual time, and the transport-wide feedback about what came
 * through it. Without one (bps 0) packets are there at once and nobody reports. */
#define LINK_PACKETS 2048
struct member_link {
  uint64_t bps;           /* 0: none; NO_LIMIT_BPS: as fast as light */
  int64_t queue_us;       /* longer than that is dropped */
  int64_t delay_us;       /* each way */
  int64_t down_us, up_us; /* and so much more, because others' packets wait there, too */
  bool cut;               /* nothing gets through, either way */
  size_t lose_every;      /* 0: none; every so manieth packet is lost */
  size_t offered;
  int64_t free_us; /* when the bottleneck is idle */
  uint64_t bytes;  /* that came through */
  size_t dropped;
  struct transport_feedback_recorder recorder;
  struct {
    int64_t arrival_us;
    uint16_t seq;
  } under_way[LINK_PACKETS];
  size_t head, tail;
  struct {
    int64_t due_us;
    size_t len;
    uint8_t data[1300];
  } reports[8]; /* on their way back */
  size_t report_head, report_tail;
};
#define NO_LIMIT_BPS UINT64_C(10000000000)

/* A packet that a member received, in the clear. */
struct got {
  size_t len;
  struct rtp_packet p; /* RTP only */
  struct rtp_extension_values x;
  uint8_t data[1600];
};

struct browser {
  struct harness *harness;
  char session[16], id[ROOM_ID_BYTES];
  uint32_t handle;
  int fd, old_fd; /* old_fd: where it was before it moved; -1 */
  struct ice_address address;
  struct stun_client ice;
  struct dtls_client dtls;
  struct media_client media;
  struct sctp_association *sctp;
  uint16_t reliable, lossy; /* data channels */
  char ufrag[32], server_ufrag[64], server_pwd[64];
  bool deaf; /* answers no checks */
  struct sdp_answer *answer;
  json_t *offer;                       /* the one that was answered last */
  struct rtp_extension_map extensions; /* as answered */
  int64_t next_id;
  json_t *last, *events;  /* last reply; events since browser_forget() */
  const char *error;      /* of the last reply, "" for ok */
  int closed_code;        /* 0: its signaling was not closed */
  struct got *rtp, *rtcp; /* since browser_forget() */
  size_t rtp_count, rtcp_count;
  uint32_t swallow_ssrc;       /* of this every third packet never comes the first time; 0: none */
  uint16_t swallowed;          /* the last of them */
  size_t undecryptable, stray; /* stray: came to where it no longer is */
  struct member_link link;
  unsigned messages; /* data channel */
  size_t message_len;
  uint8_t message[70000];
};

struct harness {
  struct room_glue glue; /* first: the listener's `arg` */
  struct engine *engine;
  struct room_manager *manager;
  struct room_listener listener;
  struct udp_socket *socket;
  int64_t now_us;
  uint64_t random;
  size_t sent_to_engine, got_from_engine;
  struct browser browsers[HARNESS_SEATS];
  size_t browser_count;
  const char *srtp_profiles; /* that browsers offer from now on; NULL: all */
  bool keep;                 /* harness_free() lets the engine clear away who is still there */
};

/* harness_new(): receivers that report nothing get all that they show, from the first packet on. */
struct harness *harness_new(void);
/* Their links are governed, beginning at `start_bps` (0: the usual); use browser_link(). */
struct harness *harness_new_governed(uint64_t start_bps);
struct harness *harness_new_with(const char *video_codecs);
struct harness *harness_new_governed_with(const char *video_codecs);
void harness_free(struct harness *h);
void harness_pump(struct harness *h);
/* Steps of 5 ms, as the worker ticks; browsers send ICE checks every two seconds. */
void harness_advance(struct harness *h, int64_t us);
/* The sum of all named drops of the engine but those listed as ordinary (slots that want another layer …). */
uint64_t harness_drops(const struct harness *h, enum engine_drop reason);

/* ---- signaling ---- */

struct browser *harness_open(struct harness *h, const char *role);
struct browser *harness_join(struct harness *h, const char *role);    /* …and joins; observers hidden */
struct browser *harness_connect(struct harness *h, const char *role); /* …and is connected, with Chromium's offer */
/* The two halves of it, for a browser that comes again after its session has ended. */
void browser_open_session(struct browser *m, const char *role);
void browser_join(struct browser *m);
/* One request; returns the error code's name, "" for ok, NULL when no reply came. The reply is m->last. */
const char *browser_request(struct browser *m, const char *type, json_t *fields);
/* The captured offer `name` with this member's ICE and DTLS values; change it, then give it to browser_offer_json(). */
json_t *browser_offer_make(struct browser *m, const char *name);
json_t *offer_media(json_t *offer, const char *mid);              /* borrowed */
const char *browser_offer_json(struct browser *m, json_t *offer); /* takes the reference */
void browser_offer(struct browser *m, const char *name);          /* must work */
void browser_leave(struct browser *m);                            /* no resume possible */
/* The member that came last leaves, and what the test keeps of it goes, too: its seat is free. */
void harness_dismiss(struct harness *h);
/* Returns the track's id (borrowed from m->last). */
const char *browser_publish(struct browser *m, const char *mid, const char *source);
void browser_view(struct browser *m, const char *track, unsigned width, unsigned height);
/* The mid of the receiver's slot in which the track flows now; NULL: in none. */
const char *browser_slot_of(struct browser *m, const char *track);
size_t browser_event_count(const struct browser *m, const char *event);
json_t *browser_event_last(const struct browser *m, const char *event);
struct peer *browser_peer(const struct browser *m);
struct section *browser_section(const struct browser *m, const char *mid);
void browser_forget(struct browser *m);
void harness_forget(struct harness *h);

/* ---- transport ---- */

void browser_connect(struct browser *m);
/* The same without DTLS: the engine is given keys that this browser does not have. Expects a check to have been taken. */
void browser_give_keys(struct browser *m);
void browser_check(struct browser *m, bool nominate);
/* A check with this member's credentials from any socket. */
void browser_check_from(struct browser *m, int fd, bool nominate);
/* A new socket, hence a new address; nothing is sent from it yet. */
void browser_move(struct browser *m);
void browser_open_channels(struct browser *m);
bool browser_send_message(struct browser *m, uint16_t channel, const void *data, size_t len);
void browser_send_datagram(struct browser *m, const uint8_t *data, size_t len);

/* From now on this lies between the engine and the member; the member reports what arrives. */
void browser_link(struct browser *m, uint64_t bps, int64_t queue_us, int64_t delay_us);

/* ---- media ---- */

struct shot {
  uint32_t ssrc, timestamp;
  uint16_t seq;
  uint8_t pt, padding;
  bool marker;
  const char *mid, *rid, *repaired_rid;
  int level;         /* -1: none */
  int transport_seq; /* -1: none */
  const uint8_t *payload;
  size_t len;
  const uint8_t *dependency; /* descriptor; NULL: none */
  size_t dependency_len;
};
/* Writes a whole RTP packet with this member's extension ids; returns its length. */
size_t browser_write_rtp(const struct browser *m, const struct shot *shot, uint8_t *out);
void browser_send_shot(struct browser *m, const struct shot *shot);
/* A plain RTP or RTCP packet, protected and sent; nothing is pumped. */
void browser_send_rtp(struct browser *m, const uint8_t *packet, size_t len);
void browser_send_rtcp(struct browser *m, const uint8_t *packet, size_t len);
void browser_send_nack(struct browser *m, uint32_t media_ssrc, const uint16_t *seqs, size_t count);
void browser_send_pli(struct browser *m, uint32_t media_ssrc);

/* Something that makes packets: a microphone (Opus) or a camera layer (VP8, one packet a frame). */
struct source {
  struct browser *member;
  const char *mid, *rid;
  uint32_t ssrc, rtx_ssrc, timestamp;
  uint16_t seq, rtx_seq, picture_id, width, height;
  uint8_t pt, rtx_pt;
  bool video;
  uint8_t temporal_layers; /* 3: frames of 0, 2, 1, 2 in turn; 0: none is named */
  int level, transport_seq;
  uint8_t frame_packets, frame_at; /* a picture's packets, 0: one; which of them is next */
  uint16_t packet_bytes;           /* of a picture's payload, 0: 800 */
};
struct source source_audio(struct browser *m, const char *mid);
struct source source_video(struct browser *m, const char *mid, const char *rid, uint16_t width, uint16_t height);
/* Sends the next packet, and pumps. Its payload ends with SSRC and sequence number: see got_origin(). */
void source_send(struct source *s, bool keyframe);
/* The same, not sent: into `out`; returns the length. */
size_t source_write(struct source *s, bool keyframe, uint8_t *out);
/* The same as it goes over the wire, for tests that hand datagrams to the engine themselves. */
struct datagram {
  uint8_t data[1400];
  size_t len;
};
void source_seal(struct source *s, bool keyframe, struct datagram *out);
/* Which source packet is in this one. */
uint32_t got_ssrc(const struct got *got);
uint16_t got_seq(const struct got *got);
/* Packets of an SSRC that were received; the nth of them (NULL). */
size_t browser_count_ssrc(const struct browser *m, uint32_t ssrc);
const struct got *browser_nth(const struct browser *m, uint32_t ssrc, size_t n);
/* The nth RTCP packet of this type and format (0: any) in what was received. False: there is none. */
bool browser_find_rtcp(const struct browser *m, uint8_t type, uint8_t format, size_t n, struct rtcp_packet *out);
/* The SSRCs of a slot, as answered. */
struct sdp_ssrc browser_slot_ssrc(const struct browser *m, const char *mid);
/* The payload type of a codec on a member's m-line ("VP8"), and of its RTX. */
uint8_t browser_pt(const struct browser *m, const char *mid, const char *codec);

#endif
