"""The wrongs that matter most: in what may lose a run, let somebody in or tell an untruth."""

from typing import NamedTuple


class Mutant(NamedTuple):
    """A wrong: in which file, what is right there and what is wrong, and who must notice."""

    name: str
    file: str
    right: str
    wrong: str
    tests: tuple[str, ...]


PACKAGE = "backtest_store"
DURABILITY = "tests/saving/test_durability.py"
JOURNAL = "tests/saving/test_crash_journal.py"
SPOOL = "tests/saving/test_spool.py"
TROUBLE = "tests/saving/test_saving_trouble.py"
TRANSFER = "tests/runs/test_transfer.py"
MIGRATIONS = "tests/store/test_migrations.py"
EMBEDDED = "tests/store/test_embedded.py"
PAST_CHECKS = "tests/cli/test_values_past_the_checks.py"
METRICS = "tests/statistics/test_metrics.py"

DURABLE = (
    Mutant(
        "a file is not flushed",
        f"{PACKAGE}/saving/durable_files.py",
        "        rest = rest[os.write(file, rest) :]\n    os.fsync(file)\n",
        "        rest = rest[os.write(file, rest) :]\n",
        (f"{DURABILITY}::test_a_file_is_flushed_before_it_is_in_place_and_its_folder_after",),
    ),
    Mutant(
        "a folder is not flushed",
        f"{PACKAGE}/saving/durable_files.py",
        "        os.fsync(directory)\n",
        "        os.fstat(directory)\n",
        (f"{DURABILITY}::test_a_file_is_flushed_before_it_is_in_place_and_its_folder_after",),
    ),
    Mutant(
        "a new folder's own entry is not flushed",
        f"{PACKAGE}/saving/durable_files.py",
        "    if is_new:\n",
        "    if not is_new:\n",
        (f"{DURABILITY}::test_a_new_spool_s_own_folders_are_flushed",),
    ),
    Mutant(
        "what is set aside is not flushed where it came from",
        f"{PACKAGE}/saving/durable_files.py",
        "    flush_folder(folder)\n    flush_folder(path.parent)\n    return target\n",
        "    flush_folder(folder)\n    return target\n",
        (f"{DURABILITY}::test_what_is_moved_is_flushed_where_it_goes_and_where_it_came_from",),
    ),
    Mutant(
        "a file is in place before it is whole",
        f"{PACKAGE}/saving/durable_files.py",
        "        _write(file, content)\n        temporary.replace(path)\n",
        "        temporary.replace(path)\n        _write(file, content)\n",
        (f"{DURABILITY}::test_a_file_is_flushed_before_it_is_in_place_and_its_folder_after",),
    ),
    Mutant(
        "a torn file is left behind by a full disk",
        f"{PACKAGE}/saving/durable_files.py",
        "        temporary.unlink(missing_ok=True)\n",
        "",
        (f"{SPOOL}::test_a_full_disk_leaves_nothing_half_done",),
    ),
    Mutant(
        "a run is thrown away whose folder could not be flushed",
        f"{PACKAGE}/saving/durable_files.py",
        "        temporary.unlink(missing_ok=True)\n        raise\n",
        "        temporary.unlink(missing_ok=True)\n        path.unlink(missing_ok=True)\n        raise\n",
        (f"{DURABILITY}::test_a_file_is_kept_if_only_its_folder_cannot_be_flushed",),
    ),
    Mutant(
        "a store is taken to be away because another is",
        f"{PACKAGE}/saving/background_saver.py",
        "        self._pool_of(run.settings)  # another store than the last is not away\n",
        "",
        (f"{TROUBLE}::test_another_store_has_its_whole_time_though_the_last_was_away",),
    ),
    Mutant(
        "whoever listens is taken for a server",
        f"{PACKAGE}/store/embedded/start_and_stop.py",
        "            return bool(client.recv(1))\n",
        "            return True\n",
        (f"{EMBEDDED}::test_a_child_of_a_killed_server_that_still_listens_is_no_server",),
    ),
    Mutant(
        "a time that Python cannot hold stops a command",
        f"{PACKAGE}/store/connecting/out_of_range_times.py",
        "            await read_any_time(self)\n",
        "",
        (f"{PAST_CHECKS}::test_every_command_that_reads_shows_it_and_the_others",),
    ),
    Mutant(
        "a note is closed before its run is spooled",
        f"{PACKAGE}/saving/unsaved_run.py",
        "        if self.file is None:\n            with durable_files",
        "        self.entry.close()\n        if self.file is None:\n            with durable_files",
        (f"{DURABILITY}::test_a_note_is_closed_only_once_its_run_is_in_the_spool",),
    ),
    Mutant(
        "a note is closed though its run is nowhere",
        f"{PACKAGE}/saving/background_saver.py",
        "        self._in_memory.append(run)\n",
        "        self._in_memory.append(run)\n        run.entry.close()\n",
        (f"{DURABILITY}::test_a_note_stays_while_neither_the_database_nor_the_spool_has_its_run",),
    ),
    Mutant(
        "a dead run's note is deleted before it is spooled",
        f"{PACKAGE}/saving/crash_journal.py",
        "            path.rename(spool.path_of(home, run_id))\n",
        "            path.unlink()\n",
        (f"{JOURNAL}::test_a_killed_run_is_saved_as_interrupted",),
    ),
    Mutant(
        "a run is not on disk while the database is slow",
        f"{PACKAGE}/saving/background_saver.py",
        "                with suppress(Exception):  # there is time yet, for the database and the disk\n"
        "                    run.keep()\n",
        "",
        (f"{TROUBLE}::test_a_run_that_is_over_survives_a_kill_while_the_database_is_slow",),
    ),
    Mutant(
        "a run is on disk once the database has had all its time",
        f"{PACKAGE}/saving/background_saver.py",
        "AT_ONCE = 0.2 ",
        "AT_ONCE = 5.0 ",
        (f"{TROUBLE}::test_a_run_that_is_over_survives_a_kill_while_the_database_is_slow",),
    ),
    Mutant(
        "what a save needs is not taken early",
        f"{PACKAGE}/recording.py",
        "        save.take_early()\n",
        "",
        ("tests/saving/test_descriptors.py::test_a_backtest_goes_on_without_descriptors",),
    ),
    Mutant(
        "a saved run stays in the spool",
        f"{PACKAGE}/saving/unsaved_run.py",
        "                self.file.unlink(missing_ok=True)\n",
        "                self.file.stat()\n",
        (f"{TROUBLE}::test_what_is_answered_late_leaves_nothing_in_the_spool",),
    ),
    Mutant(
        "the store that a run is meant for is ignored",
        f"{PACKAGE}/saving/sync.py",
        "    if store is not None and run.store != store:\n",
        "    if store is not None and run.store == 0:\n",
        (f"{TROUBLE}::test_nobody_waits_for_what_is_meant_for_another_store",),
    ),
    Mutant(
        "a deleted run is left in the journal",
        f"{PACKAGE}/saving/sync.py",
        "            crash_journal.path_of(home, run_id).unlink(missing_ok=True)\n",
        "            pass\n",
        (f"{TROUBLE}::test_a_deleted_run_does_not_come_back",),
    ),
    Mutant(
        "a deleted run is left in the spool",
        f"{PACKAGE}/saving/sync.py",
        "            path.unlink()\n    except BlockingIOError:",
        "            path.lstat()\n    except BlockingIOError:",
        (f"{TROUBLE}::test_a_deleted_run_does_not_come_back",),
    ),
    Mutant(
        "a deletion does not wait for who is saving the run",
        f"{PACKAGE}/saving/sync.py",
        "    while left := [path for path in left if not _is_removed(path)]:\n",
        "    while left := [path for path in left if not _is_removed(path)][:0]:\n",
        (f"{TROUBLE}::test_a_run_that_is_deleted_while_a_sync_saves_it_does_not_come_back",),
    ),
    Mutant(
        "one bad run in the spool hinders the others",
        f"{PACKAGE}/saving/sync.py",
        "    if fault := fault_of(run.record):\n",
        '    if fault := "":\n',
        (f"{TROUBLE}::test_a_bad_record_in_the_spool_is_rejected_and_hinders_no_other",),
    ),
    Mutant(
        "what one run is too much for gives up the others",
        f"{PACKAGE}/saving/sync.py",
        "GIVE_UP_AFTER = 3 ",
        "GIVE_UP_AFTER = 1 ",
        (f"{SPOOL}::test_a_run_that_is_too_much_for_the_store_does_not_hold_up_the_others",),
    ),
    Mutant(
        "a checksum is not compared",
        f"{PACKAGE}/saving/run_file_format.py",
        "    if _checksum(header) != hashlib.sha256(content).hexdigest():\n",
        "    if not _checksum(header):\n",
        (f"{SPOOL}::test_a_file_that_was_damaged_anywhere_is_set_aside",),
    ),
    Mutant(
        "a process is known by its id alone",
        f"{PACKAGE}/saving/crash_journal.py",
        "        is_gone = _start_time(self.pid) != self.start_time or not _exists(self.pid)\n",
        "        is_gone = not _exists(self.pid)\n",
        (f"{JOURNAL}::test_only_what_is_provably_gone_is_collected",),
    ),
    Mutant(
        "a run of another machine is taken for dead",
        f"{PACKAGE}/saving/crash_journal.py",
        "            return State.GONE if self.host == here.host else State.ELSEWHERE\n",
        "            return State.GONE\n",
        (f"{JOURNAL}::test_only_what_is_provably_gone_is_collected",),
    ),
    Mutant(
        "a note's lock is not asked for",
        f"{PACKAGE}/saving/durable_files.py",
        "        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)\n",
        "        fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)\n",
        (f"{JOURNAL}::test_a_lock_that_is_held_outweighs_every_proof",),
    ),
    Mutant(
        "a forked process closes its parent's note",
        f"{PACKAGE}/saving/crash_journal.py",
        "        if path is None or self._pid != os.getpid():",
        "        if path is None:",
        (f"{JOURNAL}::test_a_forked_process_leaves_its_parents_note_alone",),
    ),
    Mutant(
        "a spool that others may write to is used",
        f"{PACKAGE}/saving/sync.py",
        "    durable_files.require_ours(home)\n",
        "",
        (f"{SPOOL}::test_a_home_that_others_may_write_to_is_refused",),
    ),
    Mutant(
        "a file that others may write to is read",
        f"{PACKAGE}/saving/durable_files.py",
        "    if status.st_mode & OTHERS_MAY_WRITE:\n",
        "    if not status.st_mode:\n",
        (f"{SPOOL}::test_what_is_no_plain_file_of_ours_is_set_aside",),
    ),
    Mutant(
        "a data error is tried again for ever",
        f"{PACKAGE}/store/connecting/sqlstate_classes.py",
        '    "23": Failure.REJECTED,',
        '    "23": Failure.LASTING,',
        (f"{TROUBLE}::test_what_the_store_refuses_for_good_is_kept_with_the_reason",),
    ),
    Mutant(
        "a server that restarts is given up at once",
        f"{PACKAGE}/store/connecting/sqlstate_classes.py",
        '    "57": Failure.PASSING,',
        '    "57": Failure.LASTING,',
        (
            "tests/store/test_sqlstate_classes.py::test_a_server_s_error_means_the_same_by_itself_and_explained",
        ),
    ),
)
STORED = (
    Mutant(
        "a run that is saved again is an error",
        "sql/insert_run.sql",
        "        ON CONFLICT (run_id) DO NOTHING\n",
        "",
        ("tests/saving/test_saving.py::test_a_run_is_stored_as_it_is",),
    ),
    Mutant(
        "a run that is imported again is an error",
        "sql/insert_runs.sql",
        "AS r\n        ON CONFLICT (run_id) DO NOTHING\n",
        "AS r\n",
        (f"{TRANSFER}::test_runs_already_there_and_lines_given_twice_are_skipped",),
    ),
    Mutant(
        "a time that nobody can read is stored",
        "migrations/0001.runs-and-metrics.sql",
        "    started_at       timestamptz NOT NULL CHECK (started_at BETWEEN '0001-01-01 00:00+00' AND '9999-12-31 23:59:59.999999+00'),",
        "    started_at       timestamptz NOT NULL,",
        (f"{TRANSFER}::test_the_schema_refuses_what_no_reader_could_hold",),
    ),
    Mutant(
        "a migration's mark comes after its steps",
        f"{PACKAGE}/store/yoyo_backend.py",
        '            migration.process_steps(self, "apply")\n            self.mark_one(migration)\n',
        '            migration.process_steps(self, "apply")\n        self.mark_one(migration)\n',
        (f"{MIGRATIONS}::test_killed_at_any_statement_it_goes_on_afterwards",),
    ),
    Mutant(
        "a schema that is newer is migrated",
        f"{PACKAGE}/store/migrations.py",
        '        missing([row[0] for row in backend.execute(sql.text("applied_migrations"))])\n',
        "",
        (f"{MIGRATIONS}::test_nothing_is_done_to_a_newer_schema",),
    ),
    Mutant(
        "an import goes on after a bad line",
        f"{PACKAGE}/runs/transfer.py",
        "            if imported.refused and not keep_going:\n",
        "            if imported.refused and keep_going is None:\n",
        (f"{TRANSFER}::test_a_bad_line_is_named_and_refused",),
    ),
    Mutant(
        "a failed run's metrics are left out without a word",
        f"{PACKAGE}/runs/json_line_faults.py",
        " or _needless_metric(record)\n",
        "\n",
        (f"{TRANSFER}::test_a_bad_line_is_named_and_refused",),
    ),
    Mutant(
        "an export overwrites without asking",
        f"{PACKAGE}/cli/output/output_file.py",
        "    if is_there and is_plain and not yes:\n",
        "    if is_there and is_plain and yes is None:\n",
        (f"{TRANSFER}::test_a_file_is_overwritten_only_if_that_is_wanted",),
    ),
    Mutant(
        "an export that cannot be written waits for its rollback for ever",
        f"{PACKAGE}/store/connecting/connection.py",
        "        answer = await use_case(db)\n",
        "        try:\n            answer = await use_case(db)\n"
        "        except BaseException:\n            await moment.rollback()\n            raise\n",
        (f"{TRANSFER}::test_an_export_to_a_full_disk_ends",),
    ),
    Mutant(
        "a chart leads beyond the days that Python has",
        f"{PACKAGE}/cli/output/web/report.py",
        "        axes.margins(x=0)",
        "        axes.margins(y=0)",
        (f"{PAST_CHECKS}::test_a_report_is_made_of_it",),
    ),
    Mutant(
        "an export that fails leaves half a file",
        f"{PACKAGE}/cli/output/output_file.py",
        "        unfinished.unlink(missing_ok=True)\n        raise\n",
        "        raise\n",
        (f"{TRANSFER}::test_an_export_that_fails_leaves_nothing",),
    ),
    Mutant(
        "a stored run may be changed",
        "migrations/0001.runs-and-metrics.sql",
        "    BEFORE UPDATE ON performance_metrics FOR EACH STATEMENT EXECUTE FUNCTION refuse_update();",
        "    BEFORE TRUNCATE ON performance_metrics FOR EACH STATEMENT EXECUTE FUNCTION refuse_update();",
        ("tests/store/test_roles.py::test_not_even_the_owner_updates",),
    ),
    Mutant(
        "a writer may empty a table",
        "sql/roles/writer.sql",
        "GRANT INSERT, UPDATE ON annotations TO",
        "GRANT INSERT, UPDATE, TRUNCATE ON annotations TO",
        ("tests/store/test_roles.py::test_each_role_does_what_it_may_to_each_table_and_no_more",),
    ),
    Mutant(
        "the undefined are the best",
        f"{PACKAGE}/store/record_fields.py",
        '"DESC NULLS LAST"',
        '"DESC NULLS FIRST"',
        ("tests/runs/test_listing.py::test_every_filter_order_and_page_agrees_with_plain_python",),
    ),
    Mutant(
        "the highest fees are the best",
        f"{PACKAGE}/models.py",
        '    total_fees: Decimal | None = metric("money")',
        '    total_fees: Decimal | None = metric("money", "highest")',
        ("tests/runs/test_compare.py::test_what_has_no_better_end_has_no_best",),
    ),
    Mutant(
        "a run that failed counts as an identical one",
        "sql/same_identity.sql",
        "           AND r.status = 'success'\n",
        "",
        ("tests/runs/test_duplicates.py::test_only_success_counts",),
    ),
)
TOLD = (
    Mutant(
        "a formula after a quote gets into a spreadsheet",
        f"{PACKAGE}/cli/output/formats/csv_formulas.py",
        '(?:[^\\S\\r\\n]|")*)',
        "(?:[^\\S\\r\\n])*)",
        ("tests/cli/test_csv_formulas.py::test_a_formula_becomes_text",),
    ),
    Mutant(
        "a header gets into a spreadsheet as a formula",
        f"{PACKAGE}/cli/output/formats/csv_and_json.py",
        "        self._writer.writerow([CSV_TEXTS[str](column.name) for column in columns])",
        "        self._writer.writerow([column.name for column in columns])",
        ("tests/cli/test_csv_formulas.py::test_no_command_writes_a_formula",),
    ),
    Mutant(
        "a list gets into a spreadsheet as a formula",
        f"{PACKAGE}/cli/output/formats/csv_and_json.py",
        "            values[place] = LIST_SEPARATOR.join(values[place] or ())  # type: ignore[arg-type]\n        return [CSV_TEXTS[type(value)](value) for value in values]",
        "            values[place] = LIST_SEPARATOR.join(values[place] or ())  # type: ignore[arg-type]\n        return [str(v) if n in self._lists else CSV_TEXTS[type(v)](v) for n, v in enumerate(values)]",
        ("tests/cli/test_csv_formulas.py::test_no_command_writes_a_formula",),
    ),
    Mutant(
        "control characters get to a terminal through the log",
        f"{PACKAGE}/log.py",
        '    return "".join(c if c.isprintable() else " " for c in str(value))',
        "    return str(value)",
        ("tests/capture/test_log.py::test_event_is_one_line_on_standard_error",),
    ),
    Mutant(
        "secrets are logged",
        f"{PACKAGE}/log.py",
        "    return [_without_secrets, structlog.processors.add_log_level, _one_line]",
        "    return [structlog.processors.add_log_level, _one_line]",
        ("tests/capture/test_log.py::test_secrets_are_not_logged",),
    ),
    Mutant(
        "tags are not redacted",
        f"{PACKAGE}/capture/run_record.py",
        '        "tags": [redactor.text(clean(str(tag))) for tag in details.tags or ()],',
        '        "tags": [clean(str(tag)) for tag in details.tags or ()],',
        ("tests/capture/test_redaction.py::test_planted_secrets_are_nowhere",),
    ),
    Mutant(
        "notes are not redacted",
        f"{PACKAGE}/capture/run_record.py",
        '        "note": _redacted(redactor, details.note),',
        '        "note": details.note,',
        ("tests/capture/test_redaction.py::test_planted_secrets_are_nowhere",),
    ),
    Mutant(
        "the server inherits the whole environment",
        f"{PACKAGE}/store/embedded/processes.py",
        "    kept = {name: os.environ[name] for name in INHERITED if name in os.environ}\n",
        "    kept = dict(os.environ)\n",
        ("tests/store/test_embedded_surroundings.py::test_the_server_inherits_no_secret",),
    ),
    Mutant(
        "anybody may write to the server's socket",
        f"{PACKAGE}/store/embedded/cluster.py",
        "unix_socket_permissions = 0700",
        "unix_socket_permissions = 0777",
        ("tests/store/test_embedded_surroundings.py::test_the_socket_is_the_users_alone",),
    ),
    Mutant(
        "the server listens on the network",
        f"{PACKAGE}/store/embedded/cluster.py",
        "listen_addresses = '' ",
        "listen_addresses = 'localhost' ",
        ("tests/store/test_embedded.py::test_settings_keep_runs_safe_and_the_network_out",),
    ),
    Mutant(
        "an exception of a node is swallowed",
        f"{PACKAGE}/capture/engines/nautilus1/node.py",
        "                recorder.detach(error)\n            raise\n",
        "                recorder.detach(error)\n            return None\n",
        ("tests/capture/test_node.py::test_exception_that_the_node_raises_is_saved_and_goes_on",),
    ),
    Mutant(
        "a fault of ours reaches the backtest",
        f"{PACKAGE}/capture/error_boundary.py",
        '        get_logger().warning(f"could not {what}: {type(error).__name__}: {error}")\n',
        '        get_logger().warning(f"could not {what}: {type(error).__name__}: {error}")\n        raise\n',
        (
            "tests/capture/test_strange_endings.py::test_part_that_cannot_be_described_costs_that_part_alone",
        ),
    ),
    Mutant(
        "a backtest's chance is drawn from",
        f"{PACKAGE}/capture/error_boundary.py",
        "            random.setstate(chance)\n",
        "            random.random()\n",
        ("tests/capture/test_undisturbed.py::test_chance_is_left_alone",),
    ),
    Mutant(
        "the deviation is the population's",
        f"{PACKAGE}/statistics/equity_metrics.py",
        "        sample = (self.variance * len(self) / (len(self) - 1)).sqrt()\n",
        "        sample = self.variance.sqrt()\n",
        (f"{METRICS}::test_three_days_over_a_weekend_by_hand",),
    ),
    Mutant(
        "kurtosis is excess",
        f"{PACKAGE}/statistics/equity_metrics.py",
        "    return mean([value**order for value in returns.apart]) / returns.variance.sqrt() ** order\n",
        "    moment = mean([value**order for value in returns.apart])\n"
        "    return moment / returns.variance.sqrt() ** order - (3 if order == 4 else 0)\n",
        (f"{METRICS}::test_kurtosis_is_not_excess",),
    ),
    Mutant(
        "the starting capital is no peak",
        f"{PACKAGE}/statistics/equity_metrics.py",
        "    peaks = accumulate(curve.levels, max)\n",
        "    peaks = accumulate([curve.levels[1], *curve.levels[1:]], max)\n",
        (
            f"{METRICS}::test_starting_capital_is_the_first_peak_and_the_first_of_equal_troughs_counts",
        ),
    ),
    Mutant(
        "a year ends a day early",
        f"{PACKAGE}/statistics/equity_metrics.py",
        "(self.days[-1] - min(self.begins, self.days[0])).days + 1",
        "(self.days[-1] - min(self.begins, self.days[0])).days",
        (f"{METRICS}::test_three_days_over_a_weekend_by_hand",),
    ),
)
MUTANTS = (*DURABLE, *STORED, *TOLD)
