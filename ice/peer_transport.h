/* ice/peer_transport.h: one peer's whole transport: ICE-lite agent, DTLS server, SRTP session, SCTP association.
 *
 * Bytes and now_us (monotonic microseconds) in; datagrams and events out through a listener; next deadline out.
 *
 *   datagram ─ ice_demux ─ STUN ──────────────────────────► ice_agent        (the only thing taken from anybody)
 *                        └ from a validated address? ─ DTLS ► dtls_transport ─ application data ► sctp_association
 *                                                    └ RTP/RTCP, once keys exist ► srtp_session ► to the caller
 *
 * Order of calls: create → (answer with local_ufrag/_pwd) → set_remote → receive/tick … → close → free.
 * Listener calls happen inside receive(), tick(), close() and the send functions; a listener must not free the
 * transport nor call receive() or tick() from inside. After PEER_FAILED it may come back by restart_ice(); PEER_CLOSED
 * is final. Nothing is logged; every drop is counted by reason.
 *
 * Clients must answer our Binding requests (see ice/ice_agent.h): until one does, at most three times the bytes it sent
 * go to it, and a nominated address is not switched to.
 *
 * Sources: RFC 8445, 8489, 7675 (ICE), 6347, 5764 (DTLS), 3711, 7714 (SRTP), 8261, 8831, 8832 (data channels), 7983.
 * Memory:  see ice/README.md. Nothing is allocated per RTP packet.
 */
#ifndef ICE_PEER_TRANSPORT_H
#define ICE_PEER_TRANSPORT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "ice/address.h"
#include "ice/certificate.h"
#include "ice/drop_reason.h"
#include "ice/ice_agent.h"

/* Longer datagrams are dropped: Ethernet's MTU, which no WebRTC sender exceeds. */
#define ICE_MAX_DATAGRAM_BYTES   1500

/* What sealing may add: a 16-byte tag (GCM), or 10 (CM_SHA1_80); for SRTCP also the 4-byte index. */
#define PEER_SEAL_OVERHEAD_BYTES 20

/* ICE must see its first authenticated check within this of set_remote(), or the transport fails (recoverable). */
#define PEER_CONNECT_TIMEOUT_US  30000000

enum peer_transport_error {
  PEER_OK = 0,
  PEER_NO_MEMORY = -1,
  PEER_BAD_CREDENTIALS = -2, /* remote ufrag or pwd                                      */
  PEER_BAD_FINGERPRINT = -3, /* none usable: only sha-256, sha-384, sha-512              */
  PEER_NOT_CONNECTED = -4,   /* no keys yet, or closed                                   */
  PEER_UNPROVEN = -5,        /* the address has not answered yet and its allowance is spent: drop the packet */
  PEER_TOO_LARGE = -6,       /* does not fit the buffer or the protocol's limit          */
  PEER_LIMIT = -7,           /* too many SSRCs, channels or queued bytes: drop the packet */
  PEER_NO_CHANNEL = -8,      /* no such open data channel                                */
  PEER_CRYPTO = -9,          /* a library failed                                         */
};
const char *peer_transport_error_name(int error);

enum peer_state {
  PEER_NEW = 0,
  PEER_CONNECTING,   /* first authenticated check                                   */
  PEER_CONNECTED,    /* first keys: media may flow. Also back from disconnected     */
  PEER_DISCONNECTED, /* nothing authenticated for ICE_DISCONNECTED_US; a hint       */
  PEER_FAILED,       /* consent expired, or no check ever came: ask for an ICE restart */
  PEER_CLOSED,       /* DTLS failed or ended: final                                 */
};
const char *peer_state_name(enum peer_state s);

/* Why PEER_FAILED or PEER_CLOSED. */
enum peer_reason {
  PEER_REASON_NONE = 0,
  PEER_REASON_CONSENT,     /* failed: RFC 7675                                    */
  PEER_REASON_NO_CHECKS,   /* failed: PEER_CONNECT_TIMEOUT_US                     */
  PEER_REASON_FINGERPRINT, /* closed: another certificate than announced          */
  PEER_REASON_DTLS_TIMEOUT,
  PEER_REASON_DTLS_LIMIT,
  PEER_REASON_NO_PROFILE,
  PEER_REASON_REMOTE, /* closed: close_notify from the peer */
  PEER_REASON_LOCAL,  /* closed: peer_transport_close()      */
  PEER_REASON_INTERNAL,
};
const char *peer_reason_name(enum peer_reason r);

/* --- shared by all peers of a worker -------------------------------------------------------------------------- */

/* Certificate and SSL_CTX, STUN codec, SRTP backend, SCTP engine. One per process (usrsctp's state is process-wide). */
struct peer_transport_context;
struct srtp_engine; /* ice/srtp_session.h */
struct srtp_seal;

/* First of all in a process, before anything uses OpenSSL: what only handshakes need is given back after each (20 KiB a peer). False: it
 * was too late, or this library cannot; nothing else changes. */
bool peer_transport_save_memory(void);

/* `unix_now_s` only dates the certificate. PEER_OK, PEER_NO_MEMORY or PEER_CRYPTO. */
int peer_transport_context_create(struct peer_transport_context **out, int64_t unix_now_s);
void peer_transport_context_free(struct peer_transport_context *c); /* after all its peers */

/* For srtp_seal_batch(). */
struct srtp_engine *peer_transport_context_srtp(const struct peer_transport_context *c);

/* For a=fingerprint:sha-256; lives as long as the context. */
const char *peer_transport_context_fingerprint(const struct peer_transport_context *c);

/* usrsctp's timers are process-wide and tick while any peer has data channels. */
int64_t peer_transport_context_deadline(const struct peer_transport_context *c);
void peer_transport_context_tick(struct peer_transport_context *c, int64_t now_us);

/* --- one peer --------------------------------------------------------------------------------------------------- */

struct peer_transport;
struct peer_sender; /* seals the packets of one SSRC; owned by its transport */

/* A data channel the peer opened (RFC 8832). `label` and `protocol` are UTF-8 as sent, NUL-terminated, capped. */
struct peer_channel {
  uint16_t id; /* SCTP stream */
  const char *label;
  const char *protocol;
  bool ordered;
  bool reliable;
};

/* Any member may be NULL. Pointers are valid during the call only. */
struct peer_transport_listener {
  void *arg;
  void (*send)(void *arg, const struct ice_address *to, const uint8_t *data, size_t len);
  void (*state_changed)(void *arg, enum peer_state state, enum peer_reason reason);
  void (*tuple_added)(void *arg, const struct ice_address *remote);   /* put it into the address → peer table  */
  void (*tuple_removed)(void *arg, const struct ice_address *remote); /* take it out                           */
  void (*selected)(void *arg, const struct ice_address *remote);      /* where sealed packets go from now on   */
  void (*ufrag_retired)(void *arg, const char *local_ufrag);          /* take it out of the ufrag → peer table */
  void (*channel_opened)(void *arg, const struct peer_channel *channel);
  void (*channel_message)(void *arg, uint16_t channel, bool binary, const uint8_t *data, size_t len);
  void (*channel_closed)(void *arg, uint16_t channel);
  void (*queue_low)(void *arg); /* after a message was refused with PEER_LIMIT: send again */
  /* An RTP packet, 12 bytes of it at least, before it is opened: false when nobody receives its stream. Then most of the stream comes
   * back as PEER_PACKET_UNOPENED. NULL: all is opened. */
  bool (*wants_rtp)(void *arg, const uint8_t *packet, size_t len);
};

/* The listener struct is copied. PEER_OK, PEER_NO_MEMORY or PEER_CRYPTO. */
int peer_transport_create(struct peer_transport **out, struct peer_transport_context *context,
                          const struct peer_transport_listener *listener, int64_t now_us);

/* Sends nothing and calls nobody: close() first, take its tuples and ufrag out of your tables yourself. */
void peer_transport_free(struct peer_transport *t);

/* For the answer; change with restart_ice(). Register the ufrag in your ufrag → peer table. */
const char *peer_transport_local_ufrag(const struct peer_transport *t);
const char *peer_transport_local_pwd(const struct peer_transport *t);

/* What the offer said. Call once, before the answer leaves. `sctp_port` is the peer's a=sctp-port, 0 = no data channels
 * (both ends of SCTP then use their own announced port; ours is 5000).
 * PEER_OK, PEER_BAD_CREDENTIALS, PEER_BAD_FINGERPRINT, PEER_NO_MEMORY. */
struct peer_remote {
  const char *ufrag, *pwd;
  const struct ice_fingerprint *fingerprints; /* ice_fingerprint_parse(); any one of them may match */
  size_t fingerprint_count;
  uint16_t sctp_port;
};
int peer_transport_set_remote(struct peer_transport *t, const struct peer_remote *remote, int64_t now_us);

/* ICE restart: new local credentials to answer with; media goes on over the old address meanwhile. Allowed in any state
 * but PEER_CLOSED. DTLS, SRTP and SCTP stay as they are. PEER_OK, PEER_BAD_CREDENTIALS, PEER_NOT_CONNECTED (closed). */
int peer_transport_restart_ice(struct peer_transport *t, const char *remote_ufrag, const char *remote_pwd,
                               int64_t now_us);

/* UNOPENED: RTP that wants_rtp() did not want. It has neither been authenticated nor decrypted: nothing but numbers that the next
 * authentic packet will put right may follow from its header, and nothing from its payload. */
enum peer_packet_kind { PEER_PACKET_CONSUMED = 0, PEER_PACKET_RTP, PEER_PACKET_RTCP, PEER_PACKET_UNOPENED };

struct peer_packet {
  enum peer_packet_kind kind;
  /* Of the plain RTP or RTCP packet, which now begins at the `data` given; of an unopened one with its tag. */
  size_t len;
  enum ice_drop_reason drop; /* ICE_DROP_NONE when the datagram was of use */
};

/* One datagram from `from`, decrypted in place. RTP and RTCP are given back; all else is consumed. Never fails. */
void peer_transport_receive(struct peer_transport *t, const struct ice_address *from, uint8_t *data, size_t len,
                            int64_t now_us, struct peer_packet *out);

/* INT64_MAX = none. Media only moves it later, and an early tick is harmless: a worker need not ask after each packet, only
 * when the deadline it knows has come, and after set_remote, restart_ice, or a datagram that was consumed. */
int64_t peer_transport_deadline(const struct peer_transport *t);
void peer_transport_tick(struct peer_transport *t, int64_t now_us);

/* close_notify to the peer, state PEER_CLOSED (PEER_REASON_LOCAL). Idempotent. */
void peer_transport_close(struct peer_transport *t, int64_t now_us);

/* --- sending ------------------------------------------------------------------------------------------------------ */

/* A handle for one outgoing SSRC; may be made before keys exist and stays valid until remove or free.
 * PEER_OK, PEER_LIMIT (too many), PEER_NO_MEMORY. A second handle of one SSRC shares its indices, so no nonce repeats. */
int peer_transport_add_sender(struct peer_transport *t, uint32_t ssrc, struct peer_sender **out);
void peer_transport_remove_sender(struct peer_transport *t, struct peer_sender *s);

/* The hot path: header ‖ payload → SRTP packet at `out`, where the header may lie already; the payload must not overlap it.
 * Returns its length, or PEER_NOT_CONNECTED, PEER_UNPROVEN, PEER_TOO_LARGE, PEER_LIMIT (key exhausted), PEER_CRYPTO.
 * Send it to peer_transport_selected(). Never seal two different packets with the same sequence number. */
int peer_transport_seal_rtp(struct peer_transport *t, struct peer_sender *s, const uint8_t *header, size_t header_len,
                            const uint8_t *payload, size_t payload_len, uint8_t *out, size_t cap);
/* The same with `padding` bytes of RTP padding (RFC 3550 §5.1) behind the payload; the header must not say P already. */
int peer_transport_seal_padded(struct peer_transport *t, struct peer_sender *s, const uint8_t *header,
                               size_t header_len, const uint8_t *payload, size_t payload_len, uint8_t padding,
                               uint8_t *out, size_t cap);

/* A run to this peer comes soon: what it will need begins to come into the cache. First the one, and a while later, when that is
 * there, the other. */
void peer_transport_prefetch(const struct peer_transport *t, const struct peer_sender *s);
void peer_transport_prefetch_keys(const struct peer_sender *s);

/* A run of packets to one peer: what is the same for all of them is asked once. Between begin and the last seal nothing else may
 * happen to the transport. PEER_OK, PEER_NOT_CONNECTED. */
struct peer_seal_run {
  struct peer_transport *transport;
  uint8_t tag_bytes; /* what sealing adds */
  bool proven;       /* the address takes any amount */
};
int peer_transport_begin_run(struct peer_transport *t, struct peer_seal_run *run);
/* peer_transport_seal_padded() of a packet whose header was just written where it is to be sealed (srtp_seal_written()); counted at
 * the end. */
int peer_transport_seal_next(const struct peer_seal_run *run, struct peer_sender *s, uint8_t *packet, size_t header_len,
                             const uint8_t *payload, size_t payload_len, uint8_t padding, size_t cap);
/* Before anything sealed by peer_transport_seal_next(), of any peer, is sent or copied: writes the tags that are still owed
 * (srtp_engine_finish()). Until then these packets must stay where they are. */
void peer_transport_context_finish(struct peer_transport_context *c);
void peer_transport_end_run(const struct peer_seal_run *run, uint64_t packets, uint64_t bytes);

/* For sealing one packet for many peers at once (ice/srtp_session.h, srtp_seal_batch()): sets seal->sender, checks and
 * counts `packet_len` bytes as sent. PEER_OK, or PEER_NOT_CONNECTED or PEER_UNPROVEN: leave this one out. */
int peer_transport_begin_seal(struct peer_transport *t, struct peer_sender *s, size_t packet_len,
                              struct srtp_seal *seal);

/* A compound RTCP packet (not in place). Returns the length or an error as above. */
int peer_transport_seal_rtcp(struct peer_transport *t, const uint8_t *rtcp, size_t len, uint8_t *out, size_t cap);

/* One message on an open channel. PEER_OK, PEER_NO_CHANNEL, PEER_TOO_LARGE, PEER_LIMIT (queue full), PEER_NOT_CONNECTED. */
int peer_transport_send_message(struct peer_transport *t, uint16_t channel, bool binary, const uint8_t *data,
                                size_t len, int64_t now_us);

/* Where sealed packets go; NULL when there is nowhere to send. Valid until the next receive, tick or restart. */
const struct ice_address *peer_transport_selected(const struct peer_transport *t);

/* --- looking ------------------------------------------------------------------------------------------------------ */

struct peer_transport_stats {
  uint64_t bytes_received, packets_received; /* everything that came in, dropped or not    */
  uint64_t bytes_sent, packets_sent;         /* sealed or handed to `send`                 */
  uint64_t drops[ICE_DROP_REASONS];
  int64_t rtt_us;        /* of our last answered check; 0 = unknown          */
  uint16_t srtp_profile; /* enum srtp_profile of ice/srtp_session.h, 0 = no keys yet */
};

enum peer_state peer_transport_state(const struct peer_transport *t);
enum peer_reason peer_transport_reason(const struct peer_transport *t);
const struct peer_transport_stats *peer_transport_stats(struct peer_transport *t); /* valid until the next call */
size_t peer_transport_tuples(const struct peer_transport *t, struct ice_address *out, size_t max);

#endif
