#pragma once

#include "storage/sqlite_connection.hpp"
#include "storage/store.hpp"

/// Of the jobs of one type and object with `object_limit`, one runs at a time; the others are set aside when
/// a claim meets them. All run in the transaction that is open.
namespace jobd::storage {

/// Sets a ready job aside if another of its object runs; true if so. Nothing else is looked at than that.
[[nodiscard]] expected<bool> set_aside(sqlite_connection& db, job_id id);

/// After the runs of these jobs have ended: turns the first job that was set aside for each object ready.
/// Their hints.
[[nodiscard]] expected<std::vector<hint>> unblock(sqlite_connection& db, std::span<const job_id> ended);

} // namespace jobd::storage
