/* tests/sim/offer.h: what a simulated browser offers: a microphone and a camera in three layers to send, slots to receive. */
#ifndef TESTS_SIM_OFFER_H
#define TESTS_SIM_OFFER_H

#include <jansson.h>
#include <stdbool.h>

#define OFFER_MICROPHONE "m"
#define OFFER_CAMERA     "c"

/* As the gateway would hand it to the worker. */
json_t *offer_make(bool publishes, int streams, bool red);

/* "v0", "a0", "v1" …: the nth slot's mid; which slot, -1: none of them. */
void offer_slot_mid(char out[8], bool video, int stream);
int offer_slot(const char *mid);
bool offer_is_video(const char *mid);

#endif
