// The checks of the protocols: for each header what finds its mutants, and the full check.
#pragma once

namespace numasio::model {

/// True if no execution within the bounds broke a promise; each prints what it explored, and the history of a failure.
/// hunt_: seconds; finds every mutant of the header (mutants.sh).
bool hunt_sleep_wake();
bool hunt_cell_state();
bool hunt_slot_list();
bool hunt_reply_gate();
bool hunt_close();
bool hunt_ready_set();
bool hunt_work_hold();
bool hunt_inline_ring();
bool hunt_shared_lane();
bool hunt_waiting_line();
bool hunt_read_epochs();
bool hunt_stealing_deque();
bool hunt_task_inbox();
bool hunt_task_intake();
bool hunt_idle_workers();
bool hunt_task_lead();
bool hunt_task_end();

/// The same and more: larger, and all executions instead of random ones. `deep`: minutes instead of seconds.
bool check_sleep_wake(bool deep);
bool check_cell_state(bool deep);
bool check_slot_list(bool deep);
bool check_reply_gate(bool deep);
bool check_close(bool deep);
bool check_ready_set(bool deep);
bool check_work_hold(bool deep);
bool check_inline_ring(bool deep);
bool check_shared_lane(bool deep);
bool check_waiting_line(bool deep);
bool check_read_epochs(bool deep);
bool check_stealing_deque(bool deep);
bool check_task_inbox(bool deep);
bool check_task_intake(bool deep);
bool check_idle_workers(bool deep);
bool check_task_lead(bool deep);
bool check_task_end(bool deep);

}  // namespace numasio::model
