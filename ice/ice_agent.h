/* ice/ice_agent.h: the ICE-lite agent of one peer (RFC 8445 lite, RFC 8489, RFC 7675), on libnice's STUN library.
 *
 * It answers connectivity checks and thereby knows which remote addresses ("tuples": all our candidates are one port)
 * belong to the peer and which one the peer nominated. Unauthenticated input changes nothing and is answered by nothing.
 *
 * Beyond RFC 8445's lite agent: each new tuple gets a check of ours. A nominated tuple replaces the selected one only
 * after it has answered ("proven"), and until then at most three times what it sent may be sent to it. So neither a
 * peer that spoofs its source nor somebody who replays a peer's check can turn our media on a third party. A client
 * (or load tool) must therefore answer Binding requests, as every full agent does (RFC 8445 §7.3).
 *
 * Roles: we are lite, so always controlled (RFC 8445 §6.1.1). A peer that claims to be controlled gets 487.
 * Memory: sizeof(struct ice_agent), fixed (below 2 KiB). One loop, no locks. The STUN codec is shared by all agents.
 */
#ifndef ICE_ICE_AGENT_H
#define ICE_ICE_AGENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "ice/address.h"
#include "ice/drop_reason.h"

/* RFC 8839 §5.4: "ufrag […] MUST contain at least 24 bits of randomness, and the ice-pwd […] at least 128 bits";
 * lengths 4*256 and 22*256. Ours carry 6 bits a character: 72 and 192 bits. */
#define ICE_UFRAG_CHARS        12
#define ICE_PWD_CHARS          32

#define ICE_REMOTE_CHARS       256 /* longest remote ufrag or pwd, RFC 8839 §5.4 */
#define ICE_MAX_TUPLES         8

/* RFC 7675 §5.1: "Consent expires after 30 seconds." */
#define ICE_CONSENT_TIMEOUT_US 30000000
/* Nothing authenticated (check or media) for this long: a hint that the path is in trouble. Chromium checks every 2.5 s,
 * so one lost check does not reach it; Firefox every 4 to 6 s, but its RTCP counts too. */
#define ICE_DISCONNECTED_US    6000000
/* Anti-amplification factor towards a tuple that has not answered (the one QUIC uses, RFC 9000 §8). */
#define ICE_UNPROVEN_FACTOR    3

#define ICE_MAX_REPLY_BYTES    1400 /* a caller's buffer for one message we send */

struct ice_stun_codec; /* libnice's StunAgent, 13 KiB: one per worker is enough */

int ice_stun_codec_create(struct ice_stun_codec **out); /* 0, or -1: no memory */
void ice_stun_codec_free(struct ice_stun_codec *codec);

enum ice_state {
  ICE_NEW = 0,      /* no authenticated check yet        */
  ICE_CONNECTED,    /* there is an address to send to    */
  ICE_DISCONNECTED, /* quiet for ICE_DISCONNECTED_US     */
  ICE_FAILED,       /* consent expired: send nothing until a restart brings new checks */
};

enum ice_agent_error {
  ICE_AGENT_OK = 0,
  ICE_AGENT_NO_MEMORY = -1,
  ICE_AGENT_RANDOM = -2,      /* no randomness                            */
  ICE_AGENT_CREDENTIALS = -3, /* ufrag or pwd too short, too long, or characters outside ice-char */
};

/* Called from within ice_agent_receive(), _tick() and _restart(). None may free the agent. */
struct ice_agent_listener {
  void *arg;
  void (*send)(void *arg, const struct ice_address *to, const uint8_t *data, size_t len);
  void (*tuple_added)(void *arg, const struct ice_address *remote);
  void (*tuple_removed)(void *arg, const struct ice_address *remote);
  void (*selected)(void *arg, const struct ice_address *remote);               /* media goes here from now on */
  void (*proven)(void *arg, const struct ice_address *remote, int64_t rtt_us); /* it answered our check */
  void (*ufrag_retired)(void *arg, const char *local_ufrag);
  void (*state_changed)(void *arg, enum ice_state state);
};

struct ice_agent;

int ice_agent_create(struct ice_agent **out, struct ice_stun_codec *codec, const struct ice_agent_listener *listener);
void ice_agent_free(struct ice_agent *a); /* wipes the credentials; calls nobody */

const char *ice_agent_local_ufrag(const struct ice_agent *a);
const char *ice_agent_local_pwd(const struct ice_agent *a);

/* The peer's credentials, from its offer. Before this every check is dropped. ICE_AGENT_OK or _CREDENTIALS. */
int ice_agent_set_remote(struct ice_agent *a, const char *ufrag, const char *pwd);

/* New local credentials, and the peer's new ones (RFC 8445 §9). The old pair stays valid until the first check with the
 * new one succeeds (then `ufrag_retired`); tuples and the selected address stay. A second restart before that retires
 * the unused pair at once. Errors leave the agent as it was. */
int ice_agent_restart(struct ice_agent *a, const char *remote_ufrag, const char *remote_pwd);

/* One STUN datagram from `from`. ICE_DROP_NONE when it was an authenticated check or answer. */
enum ice_drop_reason ice_agent_receive(struct ice_agent *a, const struct ice_address *from, const uint8_t *data,
                                       size_t len, int64_t now_us);

/* Has ICE validated this source? Call for each datagram that is not STUN; it also counts `len` towards the address's
 * sending allowance. */
bool ice_agent_accepts(struct ice_agent *a, const struct ice_address *from, size_t len);

/* Something from the peer passed authentication (SRTP, DTLS): keeps the state from ICE_DISCONNECTED, not consent. */
void ice_agent_note_alive(struct ice_agent *a, int64_t now_us);

/* Where to send: the nominated tuple, or before the first nomination the first validated one; NULL when there is none
 * or consent has expired. */
const struct ice_address *ice_agent_selected(const struct ice_agent *a);

/* May `len` more bytes go to the selected address? Counts them when it says yes. */
bool ice_agent_may_send(struct ice_agent *a, size_t len);
bool ice_agent_selected_proven(const struct ice_agent *a);

enum ice_state ice_agent_state(const struct ice_agent *a);
int64_t ice_agent_rtt_us(const struct ice_agent *a); /* of the last answered check of ours; 0 = unknown */
size_t ice_agent_tuples(const struct ice_agent *a, struct ice_address *out, size_t max);

int64_t ice_agent_deadline(const struct ice_agent *a);
void ice_agent_tick(struct ice_agent *a, int64_t now_us);

/* The local ufrag (what stands before the colon of USERNAME) of a well-formed Binding request, for a worker that must
 * find the peer of an unknown address. Authenticates nothing. Points into `data`. False when it is not such a request. */
bool ice_stun_peek_ufrag(const uint8_t *data, size_t len, const char **ufrag, size_t *ufrag_len);

/* --- candidates for the answer -------------------------------------------------------------------------------- */

#define ICE_MAX_CANDIDATES 16

struct ice_candidate {
  struct ice_address address;
  uint32_t priority;   /* RFC 8445 §5.1.2.1, type preference 126 (host), component 1 */
  char foundation[12]; /* equal for equal base addresses, RFC 8445 §5.1.1.3 */
};

/* Host candidates for the configured or announced `ips` on `port`, in the order of preference given, except that RFC
 * 8421 §4 interleaves the families, IPv6 first. Skips what is not numeric, unspecified or a duplicate.
 * Returns how many were written. */
size_t ice_candidates_make(struct ice_candidate *out, size_t max, const char *const *ips, size_t n, uint16_t port);

#endif
