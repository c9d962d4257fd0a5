# Messages, limits, tokens and the listener.
set(SIGNALING_PROTOCOL_SOURCES json_limits.c message.c names.c rate_limit.c resume_key.c schema.c token.c)
