/* tests/server/room/client_model.h: a client's picture of the room, kept by nothing but replies and events. */
#ifndef TESTS_SERVER_ROOM_CLIENT_MODEL_H
#define TESTS_SERVER_ROOM_CLIENT_MODEL_H

#include <jansson.h>

/* Changes *model (NULL: not in a room) as a client would on this event. Fails the test when the event speaks of
 * something the client has never heard of. */
void client_model_event(json_t **model, const json_t *event);
/* The same for the ok reply to one of its own requests: who acts is told by the reply and not again by an event. */
void client_model_reply(json_t **model, const json_t *request, const json_t *ok);

#endif
