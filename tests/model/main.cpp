// model_check CHECK [deep]: runs one check of a protocol; exit status 0 if every promise held, 1 if one broke.
#include "checks.hpp"

#include <cstdio>
#include <cstring>

int main(int count, char** arguments) {
    using namespace numasio::model;
    static constexpr struct {
        const char* name;
        bool (*run)(bool deep);
    } checks[] = {
        {"sleep_wake", check_sleep_wake}, {"cell_state", check_cell_state}, {"slot_list", check_slot_list},
        {"reply_gate", check_reply_gate}, {"close", check_close}, {"ready_set", check_ready_set}, {"work_hold", check_work_hold},
        {"inline_ring", check_inline_ring}, {"shared_lane", check_shared_lane}, {"waiting_line", check_waiting_line},
        {"read_epochs", check_read_epochs}, {"stealing_deque", check_stealing_deque}, {"task_inbox", check_task_inbox},
        {"task_intake", check_task_intake}, {"idle_workers", check_idle_workers}, {"task_lead", check_task_lead}, {"task_end", check_task_end},
    };
    const bool deep = count == 3 && std::strcmp(arguments[2], "deep") == 0;
    for (const auto& check : checks) {
        if ((count == 2 || deep) && std::strcmp(arguments[1], check.name) == 0) { return check.run(deep) ? 0 : 1; }
    }
    std::fputs("usage: model_check CHECK [deep]; checks:", stderr);
    for (const auto& check : checks) { std::fprintf(stderr, " %s", check.name); }
    std::fputc('\n', stderr);
    return 2;
}
