# What every target is compiled with: warnings, hardening or sanitizers, ccache and mold where they are installed.
find_program(CCACHE ccache)
if(CCACHE)
  # What was compiled in one folder serves for another one with the same sources, since no object names either.
  set(CMAKE_CXX_COMPILER_LAUNCHER ${CMAKE_COMMAND} -E env CCACHE_BASEDIR=${PROJECT_SOURCE_DIR} ${CCACHE})
  add_compile_options(-ffile-prefix-map=${PROJECT_SOURCE_DIR}=.)
endif()
find_program(MOLD mold)
if(MOLD)
  add_link_options(-fuse-ld=mold)
endif()

add_library(jobd_options INTERFACE)
target_include_directories(jobd_options INTERFACE ${PROJECT_SOURCE_DIR})
target_compile_features(jobd_options INTERFACE cxx_std_20)
target_compile_options(jobd_options INTERFACE -Wall -Wextra -Wpedantic -Wshadow -Wnon-virtual-dtor)
if(CMAKE_CXX_COMPILER_ID STREQUAL GNU)
  # g++ 12 gives it without reason for tl::expected at -O1.
  target_compile_options(jobd_options INTERFACE -Wno-free-nonheap-object)
endif()
if(JOBD_FUZZ)
  # Has libFuzzer see which branches a run took.
  add_compile_options(-fsanitize=fuzzer-no-link)
endif()
if(JOBD_SANITIZE)
  # CAF 0.17 takes references to null in its own headers.
  add_compile_options(-fsanitize=address,undefined -fno-sanitize=null -fno-sanitize-recover=all -fno-omit-frame-pointer -g1)
  add_link_options(-fsanitize=address,undefined)
else()
  add_compile_options($<$<CONFIG:Release>:-D_FORTIFY_SOURCE=2> -fstack-protector-strong)
endif()

# jobd_library(NAME SOURCES … LINKS …): one folder, one static library. Library headers are no concern of our warnings.
function(jobd_library name)
  cmake_parse_arguments(arg "" "" "SOURCES;LINKS;PRIVATE_LINKS" ${ARGN})
  add_library(jobd_${name} STATIC ${arg_SOURCES})
  target_link_libraries(jobd_${name} PUBLIC jobd_options ${arg_LINKS} PRIVATE ${arg_PRIVATE_LINKS})
endfunction()
