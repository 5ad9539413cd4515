// The readers of the table: each turns one command's arguments into work or an answer.
#pragma once

#include "server/command.hpp"

namespace kv {

// key_readers.cpp: commands about keys
command read_append(call& c);
command read_dbsize(call& c);
command read_decr(call& c);
command read_decrby(call& c);
command read_del(call& c);
command read_exists(call& c);
command read_expire(call& c);
command read_expireat(call& c);
command read_flushall(call& c);
command read_get(call& c);
command read_getdel(call& c);
command read_getex(call& c);
command read_getrange(call& c);
command read_getset(call& c);
command read_incr(call& c);
command read_incrby(call& c);
command read_incrbyfloat(call& c);
command read_mget(call& c);
command read_mset(call& c);
command read_msetnx(call& c);
command read_persist(call& c);
command read_pexpire(call& c);
command read_pexpireat(call& c);
command read_psetex(call& c);
command read_pttl(call& c);
command read_rename(call& c);
command read_renamenx(call& c);
command read_set(call& c);
command read_setex(call& c);
command read_setnx(call& c);
command read_setrange(call& c);
command read_strlen(call& c);
command read_ttl(call& c);
command read_type(call& c);

// scan_readers.cpp: which keys there are
command read_keys(call& c);
command read_scan(call& c);

// server_readers.cpp: connection, configuration, INFO
command read_config_get(call& c);
command read_config_help(call& c);
command read_echo(call& c);
command read_http(call& c);
command read_info(call& c);
command read_ping(call& c);
command read_quit(call& c);
command read_select(call& c);

// client_readers.cpp: CLIENT …
command read_client_getname(call& c);
command read_client_help(call& c);
command read_client_id(call& c);
command read_client_info(call& c);
command read_client_list(call& c);
command read_client_setname(call& c);

// command_readers.cpp: COMMAND …
command read_command_all(call& c);
command read_command_count(call& c);
command read_command_docs(call& c);
command read_command_help(call& c);
command read_command_info(call& c);

}  // namespace kv
