/* ice/stun_view.h (internal): a strict look at a Binding message before libnice's parser sees it.
 *
 * libnice 0.1.21 trusts some lengths (it hashes and compares 20 bytes wherever MESSAGE-INTEGRITY begins, whatever length
 * that attribute says) and skips authentication when an attribute is missing. Nothing reaches it that did not pass here.
 * Sources: RFC 8489 §5, §14; RFC 8445 §16.1.
 */
#ifndef ICE_STUN_VIEW_H
#define ICE_STUN_VIEW_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "ice/drop_reason.h"

#define STUN_TRANSACTION_BYTES  12
/* RFC 8489 §14.3: "USERNAME […] MUST contain a UTF-8-encoded sequence of less than 509 bytes". */
#define STUN_MAX_USERNAME_BYTES 508

enum stun_view_class { STUN_VIEW_REQUEST = 0, STUN_VIEW_INDICATION, STUN_VIEW_SUCCESS, STUN_VIEW_ERROR };

/* Pointers go into the datagram. */
struct stun_view {
  enum stun_view_class class;
  const uint8_t *transaction; /* STUN_TRANSACTION_BYTES */
  const char *username;       /* NULL: absent */
  size_t username_len;
  bool has_integrity;
  bool has_fingerprint; /* it is last; its value is not checked here */
  bool use_candidate;
  bool has_nomination; /* draft-thatcher-ice-renomination */
  uint32_t nomination;
};

/* ICE_DROP_NONE, ICE_DROP_STUN_MALFORMED or ICE_DROP_STUN_METHOD. *v is only meaningful after ICE_DROP_NONE. */
enum ice_drop_reason stun_view_parse(struct stun_view *v, const uint8_t *data, size_t len);

#endif
