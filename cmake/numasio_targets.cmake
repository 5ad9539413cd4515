# The three targets of the house and the flags that all of our own code is compiled with.
include_guard()

add_library(numasio_flags INTERFACE)
target_compile_features(numasio_flags INTERFACE cxx_std_20)
if(NUMASIO_DEVELOPER)
  target_compile_options(numasio_flags INTERFACE
    -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wnon-virtual-dtor -Wold-style-cast -Werror
    # GCC's ThreadSanitizer warns that it does not see fences (where it matters a TSan build uses an RMW), and
    # GCC 12 finds faults in std::string that are not there once it inlines (its bugs 105651 and 105562).
    $<$<CXX_COMPILER_ID:GNU>:-Wno-tsan -Wno-restrict -Wno-maybe-uninitialized>)
endif()

# numasio_library(NAME DEPENDS...): a library of the house, exported as numasio::NAME.
function(numasio_library name)
  add_library(numasio_${name})
  add_library(numasio::${name} ALIAS numasio_${name})
  set_target_properties(numasio_${name} PROPERTIES
    EXPORT_NAME ${name} POSITION_INDEPENDENT_CODE ON VERSION ${PROJECT_VERSION})
  target_compile_features(numasio_${name} PUBLIC cxx_std_20)
  target_include_directories(numasio_${name}
    PUBLIC $<BUILD_INTERFACE:${PROJECT_SOURCE_DIR}/include> $<INSTALL_INTERFACE:${CMAKE_INSTALL_INCLUDEDIR}>
    PRIVATE ${PROJECT_SOURCE_DIR})
  target_link_libraries(numasio_${name} PRIVATE $<BUILD_INTERFACE:numasio_flags>)
  if(ARGN)
    target_link_libraries(numasio_${name} PUBLIC ${ARGN})
  endif()
endfunction()

numasio_library(core Boost::headers Threads::Threads)
numasio_library(bridge numasio::core)
if(NUMASIO_CONTROL)
  numasio_library(control numasio::bridge)
endif()
