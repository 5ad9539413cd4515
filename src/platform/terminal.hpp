// Whether a person watches. Private to the house.
#pragma once

namespace numasio::platform {

/// True where standard error is a terminal, so that progress may be shown on it.
bool stderr_is_terminal() noexcept;

}  // namespace numasio::platform
