-- PostgreSQL reads and plans every CHECK of a table again for each statement that writes to it, however few rows that
-- writes: for these, a third of what it costs to store or to claim one job. What a job may ask for is
-- checked before it is written (core/job.cpp), and what a row may become by the tests (tests/support/row_rules.cpp),
-- under the same names. The one that stays says what a status may be.
alter table jobs
  drop constraint jobs_running_is_owned,
  drop constraint jobs_final_has_ended,
  drop constraint jobs_waiting_has_time,
  drop constraint jobs_blocked_waits,
  drop constraint jobs_queue,
  drop constraint jobs_type,
  drop constraint jobs_priority,
  drop constraint jobs_timeout,
  drop constraint jobs_max_attempts,
  drop constraint jobs_counts,
  drop constraint jobs_object_limit;
