# Cross-compiles for aarch64 against a root that `./dev check` unpacks (build/aarch64/root by default).
set(CMAKE_SYSTEM_NAME Linux)
set(CMAKE_SYSTEM_PROCESSOR aarch64)
set(CMAKE_CXX_COMPILER aarch64-linux-gnu-g++)
set(CMAKE_LIBRARY_ARCHITECTURE aarch64-linux-gnu)

if(NOT DEFINED NUMASIO_AARCH64_ROOT)
  set(NUMASIO_AARCH64_ROOT ${CMAKE_CURRENT_LIST_DIR}/../build/aarch64/root)
endif()
get_filename_component(NUMASIO_AARCH64_ROOT ${NUMASIO_AARCH64_ROOT} ABSOLUTE)
list(APPEND CMAKE_TRY_COMPILE_PLATFORM_VARIABLES NUMASIO_AARCH64_ROOT)

# Headers, libraries and packages come from that root and from what was installed beside it; programs from this machine.
set(CMAKE_FIND_ROOT_PATH ${NUMASIO_AARCH64_ROOT} ${NUMASIO_AARCH64_ROOT}/../install)
set(CMAKE_FIND_ROOT_PATH_MODE_PROGRAM NEVER)
set(CMAKE_FIND_ROOT_PATH_MODE_INCLUDE ONLY)
set(CMAKE_FIND_ROOT_PATH_MODE_LIBRARY ONLY)
set(CMAKE_FIND_ROOT_PATH_MODE_PACKAGE ONLY)
# The root holds only what numasio links by name; what those libraries need in turn is not there.
set(CMAKE_EXE_LINKER_FLAGS_INIT "-Wl,--allow-shlib-undefined -Wl,-rpath-link,${NUMASIO_AARCH64_ROOT}/usr/lib/aarch64-linux-gnu")
