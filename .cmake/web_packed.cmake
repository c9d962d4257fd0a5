# The pages as they are installed: the web folder, where the first module of each page has become one file with all that it imports,
# because over a slow link every file costs three round trips. The single modules stay beside it: for its map, and for whoever
# imports one of them. Without esbuild (ESBUILD is empty) the folder is copied as it is.
# Called by the build as: cmake -DFROM=… -DTO=… -DESBUILD=… -P web_packed.cmake
file(REMOVE_RECURSE "${TO}")
file(COPY "${FROM}/" DESTINATION "${TO}" PATTERN README.md EXCLUDE PATTERN package.json EXCLUDE PATTERN *.sh EXCLUDE)
foreach(module app/main.js admin/admin.js)
  if(ESBUILD)
    execute_process(COMMAND "${ESBUILD}" "${FROM}/${module}" --bundle --minify --format=esm --target=es2022 --charset=utf8 --sourcemap
      --sources-content=false --log-level=warning "--outfile=${TO}/${module}" COMMAND_ERROR_IS_FATAL ANY)
    # Where a browser finds them, not where they lie here.
    file(READ "${TO}/${module}.map" map)
    string(REGEX REPLACE "\"[^\"]*/(app|admin|sdk)/([a-z0-9_]+[.]js)\"" "\"/\\1/\\2\"" map "${map}")
    file(WRITE "${TO}/${module}.map" "${map}")
  endif()
endforeach()
