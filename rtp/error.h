/* rtp/error.h: why a wire format was refused. Every parser and builder of rtp/ returns 0 (or a length) or one of these.
 *
 * The values are stable and dense, so that a caller can count each reason: counts[-error]++.
 */
#ifndef RTP_ERROR_H
#define RTP_ERROR_H

enum rtp_error {
  RTP_OK = 0,
  RTP_ERROR_SHORT = -1,        /* the bytes end before the format does                                            */
  RTP_ERROR_VERSION = -2,      /* version is not 2                                                                */
  RTP_ERROR_EXTENSION = -3,    /* the header extension reaches past the packet                                    */
  RTP_ERROR_PADDING = -4,      /* padding is 0, longer than what it pads, or where none may be                    */
  RTP_ERROR_LENGTH = -5,       /* a length field disagrees with the bytes around it                               */
  RTP_ERROR_TYPE = -6,         /* not the kind of packet this function reads                                      */
  RTP_ERROR_VALUE = -7,        /* a field holds a value its format forbids                                        */
  RTP_ERROR_TOO_MANY = -8,     /* more elements than the caps of this implementation                              */
  RTP_ERROR_NO_STRUCTURE = -9, /* dependency descriptor: refers to a template structure that was never received   */
  RTP_ERROR_NO_SPACE = -10,    /* builders: the caller's buffer is too small                                      */
};

#define RTP_ERROR_COUNT 11 /* for tables indexed by -error */

/* A short lower-case name for metrics and traces ("padding"); "unknown" for anything else. Static storage. */
const char *rtp_error_name(int error);

#endif
