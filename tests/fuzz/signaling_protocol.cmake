# Fuzzers of messages, tokens and HTTP helpers.
consilium_fuzz(signaling_message signaling_message_fuzz.c LINK signaling MAX_LEN 8192)
consilium_fuzz(signaling_token signaling_token_fuzz.c LINK signaling MAX_LEN 2048)
consilium_fuzz(signaling_http_path signaling_http_path_fuzz.c LINK signaling MAX_LEN 512)
