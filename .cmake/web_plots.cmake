# Copies uPlot, which draws the plots of the admin page, from tests/browser/node_modules (npm ci) into the web folder. Without
# it the server runs as well, and the page says that there are no plots.
# Called by the build as: cmake -DFROM=… -DTO=… -P web_plots.cmake
set(files uPlot.esm.js uPlot.min.css)
foreach(file ${files})
  if(EXISTS "${FROM}/dist/${file}")
    configure_file("${FROM}/dist/${file}" "${TO}/${file}" COPYONLY)
  endif()
endforeach()
if(EXISTS "${FROM}/LICENSE")
  configure_file("${FROM}/LICENSE" "${TO}/LICENSE" COPYONLY)
endif()
