/* signaling/sdp_parser.h: the parser's state while it reads an offer. Internal to signaling's SDP, and for its tests.
 *
 * The text is copied into the offer's allocation once; lines and words are cut in that copy, so every string of the result
 * points there. A section's attributes are gathered in a fixed-size scratch, because they come in any order (Firefox writes
 * fmtp before rtpmap), and folded into struct sdp_media at the section's end:
 *   sdp_parse.c       lines, m= lines, checks over the whole offer
 *   sdp_attributes.c  one handler per attribute
 *   sdp_section.c     folding: RTX into codecs, SSRC groups, rids in simulcast order
 */
#ifndef SIGNALING_SDP_PARSER_H
#define SIGNALING_SDP_PARSER_H

#include "signaling/sdp.h"

#define SDP_PT_COUNT      128 /* RFC 3550 §5.1: the payload type has seven bits */

/* a=ssrc lines of a section, RTX still beside what it repairs. */
#define SDP_MAX_RAW_SSRCS 32

struct sdp_transport {
  const char *ice_ufrag;
  const char *ice_pwd;
  int setup; /* enum sdp_setup, -1: not said */
  unsigned setup_line;
  struct sdp_fingerprint fingerprints[SDP_MAX_FINGERPRINTS];
  size_t fingerprint_count;
};

struct sdp_format {
  uint8_t pt;
  uint8_t channels;
  uint8_t feedback;
  uint32_t clock;
  const char *name; /* NULL until its a=rtpmap comes */
  const char *fmtp;
};

struct sdp_ssrc_pair {
  uint32_t first;
  uint32_t second;
  bool rtx; /* FID; otherwise FEC, whose second SSRC is only left out */
};

/* What is known of the section being read. */
struct sdp_section {
  struct sdp_media *media;
  unsigned line; /* of its m= line: where errors found at its end are reported */
  uint16_t port;
  bool bundle_only;
  bool rtcp_mux;
  struct sdp_transport transport;
  struct sdp_format formats[SDP_PT_COUNT];
  size_t format_count;
  int8_t format_of_pt[SDP_PT_COUNT]; /* index into formats (at most 127), -1: not in the m= line */
  uint8_t feedback_all;              /* a=rtcp-fb:* */
  uint32_t ssrcs[SDP_MAX_RAW_SSRCS];
  size_t ssrc_count;
  struct sdp_ssrc_pair pairs[SDP_MAX_RAW_SSRCS];
  size_t pair_count;
  const char *rids[SDP_MAX_RIDS];
  size_t rid_count;
  char *simulcast; /* the list behind `send` */
  uint16_t sctp_port;
  uint32_t max_message_size;
};

struct sdp_parser {
  struct sdp_offer *offer;
  unsigned line;
  bool answer; /* reads the server's own answers: ICE-lite and setup:passive are right there */
  bool ice_lite;
  bool bundled; /* there is a BUNDLE group */
  const char *bundle[SDP_MAX_MEDIA];
  size_t bundle_count;
  unsigned bundle_line;
  struct sdp_transport transport; /* session level: the default of every section */
  struct sdp_transport chosen;    /* of the section that stands for the bundle */
  bool have_chosen;
  enum sdp_direction direction;
  struct sdp_section section; /* section.media is NULL at session level */
};

/* As sdp_offer_parse(); `answer` reads an answer instead, for tests and tools that hold both sides. */
int sdp_parse(struct sdp_offer **out, const char *text, size_t len, bool answer, struct sdp_fault *fault);

/* One a= line without its "a=", NUL-terminated and mutable. Returns SDP_OK or an enum sdp_error. */
int sdp_parse_attribute(struct sdp_parser *parser, char *attribute);

/* Folds the finished section into its struct sdp_media. Does nothing at session level. */
int sdp_section_finish(struct sdp_parser *parser);

#endif
