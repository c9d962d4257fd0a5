/* ice/peer_transport_internal.h: what the files of the composite share; nobody else includes it. */
#ifndef ICE_PEER_TRANSPORT_INTERNAL_H
#define ICE_PEER_TRANSPORT_INTERNAL_H

#include "ice/dtls_transport.h"
#include "ice/peer_transport.h"
#include "ice/sctp_association.h"
#include "ice/srtp_session.h"

struct peer_transport_context {
  struct ice_certificate *certificate;
  struct ice_stun_codec *stun;
  struct srtp_engine *srtp;
  struct sctp_stack *sctp;
};

struct peer_sender {
  uint32_t ssrc;
  struct srtp_sender *srtp; /* NULL until keys exist */
  struct peer_sender *next;
};

/* The selected address. */
enum peer_path {
  PEER_PATH_NONE,
  PEER_PATH_UNPROVEN, /* takes no more than its allowance */
  PEER_PATH_PROVEN,
};

struct peer_transport {
  /* What a packet asks for. */
  struct ice_agent *ice;
  struct srtp_session *srtp; /* NULL until the handshake is over */
  enum peer_state state;
  uint8_t tag_bytes;                 /* what sealing adds; 0 without keys */
  enum peer_path path : 8;           /* as the ICE agent says: it lies elsewhere */
  struct peer_transport_stats stats; /* how much was sent lies in front */
  struct peer_transport_context *context;
  struct peer_transport_listener on;
  struct dtls_transport *dtls;
  struct sctp_association *sctp; /* NULL until then, or when the peer offered none */
  struct peer_sender *senders;
  size_t sender_count;
  enum peer_reason reason;
  bool remote_set;
  bool closed;     /* by us */
  bool no_checks;  /* PEER_CONNECT_TIMEOUT_US has passed without one */
  bool flight_cut; /* a handshake datagram was held back by the allowance */
  uint16_t sctp_port;
  int64_t now_us;          /* of the call we are in, for callbacks that are not told */
  int64_t connect_from_us; /* since when we wait for the first check; INT64_MAX: not waiting */
};

/* Brings t->state in line with its parts and tells the listener. */
void peer_transport_update_state(struct peer_transport *t);

/* One datagram that is not media to the selected address, within its allowance. */
void peer_transport_send_control(struct peer_transport *t, const uint8_t *data, size_t len);

/* Makes the SRTP session and its senders, and the SCTP association, once DTLS is connected. False: no keys, give up. */
bool peer_transport_take_keys(struct peer_transport *t);
bool peer_transport_start_sctp(struct peer_transport *t);

#endif
