# The link emulator, on the model of the simulation. `bench/wan` finds it in the build folder.
add_library(link_emulator STATIC link/emulator.c link/link_profiles.c ../tests/sim/clock.c ../tests/sim/link.c)
target_link_libraries(link_emulator PRIVATE consilium_flags PUBLIC m PRIVATE rtp)
add_executable(consilium-wan link/main.c link/tunnel.c)
target_link_libraries(consilium-wan PRIVATE consilium_flags link_emulator)
