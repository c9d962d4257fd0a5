/* signaling/names.c: the words of the protocol: message types, error codes with their texts, roles with their rights. */
#include <string.h>

#include "signaling/message.h"
#include "signaling/role.h"

#define LENGTH(a) ((int)(sizeof(a) / sizeof(*(a))))

static const char *const type_names[SIGNALING_TYPE_COUNT] = {
    [SIGNALING_HELLO] = "hello",
    [SIGNALING_CHECK] = "check",
    [SIGNALING_JOIN] = "join",
    [SIGNALING_LEAVE] = "leave",
    [SIGNALING_OFFER] = "offer",
    [SIGNALING_CANDIDATE] = "candidate",
    [SIGNALING_PUBLISH] = "publish",
    [SIGNALING_UNPUBLISH] = "unpublish",
    [SIGNALING_MUTE] = "mute",
    [SIGNALING_VIEW] = "view",
    [SIGNALING_CHAT] = "chat",
    [SIGNALING_KICK] = "kick",
    [SIGNALING_LOCK] = "lock",
    [SIGNALING_CLOSE] = "close",
    [SIGNALING_SET_NAME] = "setName",
    [SIGNALING_RAISE_HAND] = "raiseHand",
    [SIGNALING_PING] = "ping",
    [SIGNALING_ADMIT] = "admit",
    [SIGNALING_ADMIT_ALL] = "admitAll",
    [SIGNALING_DECLINE_WAITING] = "declineWaiting",
    [SIGNALING_SEND_BACK] = "sendBack",
    [SIGNALING_SET_POLICY] = "setPolicy",
    [SIGNALING_SIGNAL] = "signal",
    [SIGNALING_DIRECT_STATE] = "directState",
    [SIGNALING_INVITE] = "invite",
    [SIGNALING_ACCEPT] = "accept",
    [SIGNALING_DECLINE] = "decline",
    [SIGNALING_CANCEL] = "cancel",
    [SIGNALING_CHECK_USER] = "checkUser",
    [SIGNALING_CREATE_GUEST_LINK] = "createGuestLink",
    [SIGNALING_REVOKE_GUEST_LINK] = "revokeGuestLink",
};

/* Indexed by -code. */
static const struct {
  const char *name, *text;
} errors[] = {
    {"ok", ""},
    {"bad_message", "The message is not a JSON object with an id from 1 to 2147483647 and a type."},
    {"bad_request", "A field is missing or has a wrong value."},
    {"unknown_type", "This server does not know this type of request."},
    {"too_large", "The message is larger than its limit."},
    {"rate_limited", "Too many requests; wait before sending more."},
    {"unsupported_version", "This server does not speak this version of the protocol."},
    {"not_authenticated", "Send hello with a token first."},
    {"token_invalid", "The token is not valid here."},
    {"token_expired", "The token has expired."},
    {"token_used", "The token was used before; ask for a new one."},
    {"forbidden", "Your role does not allow this."},
    {"not_joined", "Join the room first."},
    {"already_joined", "This session is in the room already."},
    {"room_not_found", "There is no such room."},
    {"room_full", "The room is full."},
    {"room_locked", "The room is locked."},
    {"participant_not_found", "There is no such participant in the room."},
    {"track_not_found", "There is no such track in the room."},
    {"bad_offer", "The offer cannot be answered."},
    {"no_common_codec", "The offer has no codec that the room can use."},
    {"too_many_tracks", "The limit of tracks is reached."},
    {"session_not_found", "The session cannot be resumed; send hello with a token."},
    {"worker_lost", "The media process of this room ended; join again."},
    {"draining", "This server takes no new rooms; try another one or later."},
    {"busy", "The server is at its limit; try again later."},
    {"internal", "The server made a mistake."},
    {"call_not_found", "This call does not ring here, or not any more."},
    {"link_not_found", "There is no such guest link for this room."},
};
_Static_assert(sizeof(errors) / sizeof(*errors) == -SIGNALING_ERROR_END, "every error has its name and text");

static const char *const role_names[SIGNALING_ROLE_COUNT] = {
    [SIGNALING_ROLE_DOCTOR] = "doctor",
    [SIGNALING_ROLE_PATIENT] = "patient",
    [SIGNALING_ROLE_INTERPRETER] = "interpreter",
    [SIGNALING_ROLE_OBSERVER] = "observer",
    [SIGNALING_ROLE_ADMIN] = "admin",
};

#define BIT(n) (1u << (n))
/* Whoever is let in may look, negotiate and go. */
#define WATCH                                                                                                        \
  (BIT(SIGNALING_HELLO) | BIT(SIGNALING_CHECK) | BIT(SIGNALING_JOIN) | BIT(SIGNALING_LEAVE) | BIT(SIGNALING_OFFER) | \
   BIT(SIGNALING_CANDIDATE) | BIT(SIGNALING_VIEW) | BIT(SIGNALING_PING))
#define TAKE_PART                                                                                              \
  (WATCH | BIT(SIGNALING_PUBLISH) | BIT(SIGNALING_UNPUBLISH) | BIT(SIGNALING_MUTE) | BIT(SIGNALING_CHAT) |     \
   BIT(SIGNALING_SET_NAME) | BIT(SIGNALING_RAISE_HAND) | BIT(SIGNALING_SIGNAL) | BIT(SIGNALING_DIRECT_STATE) | \
   BIT(SIGNALING_INVITE) | BIT(SIGNALING_ACCEPT) | BIT(SIGNALING_DECLINE) | BIT(SIGNALING_CANCEL))
#define HOST                                                                                                          \
  (TAKE_PART | BIT(SIGNALING_KICK) | BIT(SIGNALING_LOCK) | BIT(SIGNALING_CLOSE) | BIT(SIGNALING_ADMIT) |              \
   BIT(SIGNALING_ADMIT_ALL) | BIT(SIGNALING_DECLINE_WAITING) | BIT(SIGNALING_SEND_BACK) | BIT(SIGNALING_SET_POLICY) | \
   BIT(SIGNALING_CHECK_USER) | BIT(SIGNALING_CREATE_GUEST_LINK) | BIT(SIGNALING_REVOKE_GUEST_LINK))

static const uint32_t requests_of_role[SIGNALING_ROLE_COUNT] = {
    [SIGNALING_ROLE_DOCTOR] = HOST,    [SIGNALING_ROLE_PATIENT] = TAKE_PART, [SIGNALING_ROLE_INTERPRETER] = TAKE_PART,
    [SIGNALING_ROLE_OBSERVER] = WATCH, [SIGNALING_ROLE_ADMIN] = HOST,
};
_Static_assert(SIGNALING_TYPE_COUNT <= 32, "one bit a type");

static const uint32_t rights_of_role[SIGNALING_ROLE_COUNT] = {
    [SIGNALING_ROLE_DOCTOR] = BIT(SIGNALING_RIGHT_MUTE_OTHERS) | BIT(SIGNALING_RIGHT_ENTER_LOCKED),
    [SIGNALING_ROLE_OBSERVER] = BIT(SIGNALING_RIGHT_JOIN_HIDDEN),
    [SIGNALING_ROLE_ADMIN] =
        BIT(SIGNALING_RIGHT_MUTE_OTHERS) | BIT(SIGNALING_RIGHT_ENTER_LOCKED) | BIT(SIGNALING_RIGHT_JOIN_HIDDEN),
};

static int find(const char *const *names, int count, const char *name) {
  for (int i = 0; i < count; i++)
    if (strcmp(names[i], name) == 0) return i;
  return -1;
}

const char *signaling_type_name(enum signaling_type type) {
  return (unsigned)type < SIGNALING_TYPE_COUNT ? type_names[type] : "unknown";
}

int signaling_type_parse(const char *name, enum signaling_type *out) {
  int i = find(type_names, SIGNALING_TYPE_COUNT, name);
  if (i < 0) return -1;
  *out = (enum signaling_type)i;
  return 0;
}

static int error_index(enum signaling_error code) {
  int i = -(int)code;
  return i >= 0 && i < LENGTH(errors) ? i : -SIGNALING_INTERNAL;
}

const char *signaling_error_name(enum signaling_error code) {
  return errors[error_index(code)].name;
}

const char *signaling_error_text(enum signaling_error code) {
  return errors[error_index(code)].text;
}

enum signaling_error signaling_error_parse(const char *name) {
  for (int i = 1; i < LENGTH(errors); i++)
    if (strcmp(errors[i].name, name) == 0) return (enum signaling_error)(-i);
  return SIGNALING_INTERNAL;
}

bool signaling_role_may(enum signaling_role role, enum signaling_type type) {
  return (unsigned)role < SIGNALING_ROLE_COUNT && (unsigned)type < SIGNALING_TYPE_COUNT &&
         (requests_of_role[role] & BIT(type));
}

bool signaling_role_has(enum signaling_role role, enum signaling_right right) {
  return (unsigned)role < SIGNALING_ROLE_COUNT && (unsigned)right < SIGNALING_RIGHT_COUNT &&
         (rights_of_role[role] & BIT(right));
}

const char *signaling_role_name(enum signaling_role role) {
  return (unsigned)role < SIGNALING_ROLE_COUNT ? role_names[role] : "unknown";
}

int signaling_role_parse(const char *name, enum signaling_role *out) {
  int i = find(role_names, SIGNALING_ROLE_COUNT, name);
  if (i < 0) return -1;
  *out = (enum signaling_role)i;
  return 0;
}
