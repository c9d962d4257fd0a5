# Messages, limits, tokens and the listener.
consilium_test(signaling/listener_websocket listener_websocket_test.c loop_client.c LINK signaling)
consilium_test(signaling/listener_http listener_http_test.c loop_client.c LINK signaling)
