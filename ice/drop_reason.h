/* ice/drop_reason.h: why a transport did not act on a datagram, or did not send one. One enum for the whole folder, so
 * that a worker can sum the counters of its peers and show them in its metrics under stable names.
 */
#ifndef ICE_DROP_REASON_H
#define ICE_DROP_REASON_H

enum ice_drop_reason {
  ICE_DROP_NONE = 0,
  /* any datagram */
  ICE_DROP_UNKNOWN_PROTOCOL, /* demux knows no such first byte, or it is too short   */
  ICE_DROP_TOO_LARGE,        /* longer than ICE_MAX_DATAGRAM_BYTES                   */
  ICE_DROP_UNVALIDATED,      /* not STUN, and ICE has not validated its source       */
  ICE_DROP_CLOSED,           /* the transport is closed, failed or has no remote yet */
  /* STUN */
  ICE_DROP_STUN_MALFORMED,   /* lengths, cookie, order of attributes, a missing or misshapen one */
  ICE_DROP_STUN_FINGERPRINT, /* FINGERPRINT is absent or wrong                       */
  ICE_DROP_STUN_METHOD,      /* not a Binding request, response or indication        */
  ICE_DROP_STUN_USERNAME,    /* not one of our current local:remote ufrag pairs      */
  ICE_DROP_STUN_INTEGRITY,   /* MESSAGE-INTEGRITY is absent or wrong                 */
  ICE_DROP_STUN_UNMATCHED,   /* a response to nothing we asked                       */
  ICE_DROP_STUN_INDICATION,  /* a keepalive: expected, changes nothing               */
  ICE_DROP_STUN_REFUSED,     /* authenticated but answered with 487 or 420           */
  /* DTLS */
  ICE_DROP_DTLS_MALFORMED,   /* no whole record in it                                */
  ICE_DROP_DTLS_PLAIN_ALERT, /* an unauthenticated alert: anybody could have sent it */
  ICE_DROP_DTLS_LIMIT,       /* handshake bytes or attempts exhausted                */
  ICE_DROP_DTLS_ERROR,       /* OpenSSL refused it; the handshake starts over        */
  /* SRTP */
  ICE_DROP_SRTP_NO_KEYS,   /* media before the handshake ended                     */
  ICE_DROP_SRTP_AUTH,      /* the tag is wrong                                     */
  ICE_DROP_SRTP_REPLAY,    /* seen already, or too old to tell                     */
  ICE_DROP_SRTP_MALFORMED, /* shorter than its headers say                         */
  ICE_DROP_SRTP_LIMIT,     /* more SSRCs than a peer may have                      */
  /* SCTP */
  ICE_DROP_SCTP_REFUSED, /* application data, and there is no association, or it refused it */
  /* output */
  ICE_DROP_OUT_UNPROVEN,   /* would exceed three times what an unproven address sent us */
  ICE_DROP_OUT_NO_ADDRESS, /* nothing selected                                     */
  ICE_DROP_REASONS         /* how many there are */
};

/* A metric label such as "stun_integrity"; "none" for ICE_DROP_NONE; "invalid" for what is not in the enum. */
const char *ice_drop_reason_name(enum ice_drop_reason reason);

#endif
