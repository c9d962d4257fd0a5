/* signaling/sdp_names.c: the names of SDP's enums, both ways, and the words for its errors. */
#include <string.h>

#include "signaling/sdp.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

static const char *const kinds[] = {"audio", "video", "application", "other"};
static const char *const directions[] = {"inactive", "sendonly", "recvonly", "sendrecv"};
static const char *const setups[] = {"actpass", "active", "passive"};
static const char *const unusables[] = {"usable", "stopped", "not_bundled", "no_rtcp_mux", "protocol"};
static const char *const feedbacks[SDP_FEEDBACK_COUNT] = {"nack", "nack pli", "ccm fir", "goog-remb", "transport-cc"};

static const struct {
  const char *name;
  const char *text;
} errors[] = {
    {"ok", "no error"},
    {"too_large", "the description is too large"},
    {"memory", "out of memory"},
    {"line", "not a line of the form x=value, or the first one is not v=0"},
    {"line_too_long", "a line is too long"},
    {"character", "a control character, or a byte outside ASCII"},
    {"media_line", "a malformed m= line"},
    {"attribute", "a malformed attribute"},
    {"too_many_media", "too many m= sections"},
    {"too_many_codecs", "too many codecs in a section"},
    {"too_many_extensions", "too many header extensions in a section"},
    {"too_many_rids", "too many rids in a section"},
    {"too_many_ssrcs", "too many SSRCs in a section"},
    {"no_media", "no m= section"},
    {"no_mid", "a section without a=mid"},
    {"duplicate_mid", "a mid twice"},
    {"no_bundle", "several sections without a BUNDLE group"},
    {"bundle", "a malformed BUNDLE group"},
    {"duplicate_pt", "a payload type twice in a section"},
    {"pt_conflict", "a payload type with two meanings in one bundle"},
    {"extension_id", "a header extension id that is reserved or out of range"},
    {"duplicate_extension", "a header extension id twice in a section"},
    {"duplicate_rid", "a rid twice in a section"},
    {"no_ice", "no ICE credentials"},
    {"ice_lite", "the client is ICE-lite, and so is the server"},
    {"no_fingerprint", "no usable DTLS fingerprint"},
    {"setup", "a=setup must be actpass or active"},
    {"sdes", "a=crypto is not supported: keys come by DTLS"},
    {"too_many_data", "two data channel sections"},
    {"answer", "the answer does not fit the offer"},
};

const char *sdp_error_name(int error) {
  return error <= 0 && error > -(int)COUNT(errors) ? errors[-error].name : "unknown";
}

const char *sdp_error_text(int error) {
  return error <= 0 && error > -(int)COUNT(errors) ? errors[-error].text : "unknown error";
}

const char *sdp_kind_name(enum sdp_kind kind) {
  return (size_t)kind < COUNT(kinds) ? kinds[kind] : "other";
}

const char *sdp_direction_name(enum sdp_direction direction) {
  return (size_t)direction < COUNT(directions) ? directions[direction] : "inactive";
}

const char *sdp_setup_name(enum sdp_setup setup) {
  return (size_t)setup < COUNT(setups) ? setups[setup] : "actpass";
}

const char *sdp_unusable_name(enum sdp_unusable unusable) {
  return (size_t)unusable < COUNT(unusables) ? unusables[unusable] : "unknown";
}

const char *sdp_feedback_name(enum sdp_feedback bit) {
  for (size_t i = 0; i < SDP_FEEDBACK_COUNT; i++) {
    if ((unsigned)bit == 1U << i) return feedbacks[i];
  }
  return "";
}

static int find(const char *const *names, size_t count, const char *name) {
  for (size_t i = 0; i < count; i++) {
    if (strcmp(names[i], name) == 0) return (int)i;
  }
  return -1;
}

int sdp_kind_from_name(const char *name) {
  return find(kinds, COUNT(kinds), name);
}

int sdp_direction_from_name(const char *name) {
  return find(directions, COUNT(directions), name);
}

int sdp_setup_from_name(const char *name) {
  return find(setups, COUNT(setups), name);
}

int sdp_feedback_from_name(const char *name) {
  int i = find(feedbacks, SDP_FEEDBACK_COUNT, name);
  return i < 0 ? -1 : (int)(1U << i);
}
