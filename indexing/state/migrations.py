"""The tables of the state in PostgreSQL, as numbered migrations: each adds before a later one removes.

A database says which migration it has reached and the least that a program must know to use it, so that two versions
of Nearfield serve side by side while hosts are upgraded, and back.
"""

from msgspec import Struct


class Migration(Struct, frozen=True):
    """`number` (from 1, without gaps), what it runs, and the `least` migration that a program must know afterwards."""

    number: int
    least: int
    sql: str


MIGRATIONS: tuple[Migration, ...] = (
    Migration(
        1,
        1,
        """
        CREATE TABLE nearfield.state (
            one boolean PRIMARY KEY DEFAULT true CHECK (one),
            id text NOT NULL,
            cursor_key bytea NOT NULL,
            -- Number of the last frame; whoever appends holds this row's lock until its commit.
            number bigint NOT NULL DEFAULT 0,
            -- Frames up to this one are no longer here, but for takedowns and what was last put of each row after it.
            cut bigint NOT NULL DEFAULT 0,
            live text,
            -- The release that hosts load before it goes live.
            target text,
            -- Raised by whoever takes the build lock.
            fence bigint NOT NULL DEFAULT 0,
            holder text,
            -- Position (system identifier and timeline) on which no lease of another one can still run.
            settled text NOT NULL,
            -- Where the state was moved to: nobody uses it here any more.
            moved_to text,
            -- Number of the last frame of the state that was moved here.
            moved_end bigint,
            longest_lease_s double precision NOT NULL DEFAULT 0
        );
        CREATE TABLE nearfield.records (
            number bigint NOT NULL,
            place integer NOT NULL,
            -- A record replaces earlier ones of the same key, where its kind says so.
            key text NOT NULL,
            kind text NOT NULL,
            at text NOT NULL,
            body bytea NOT NULL,
            -- Of the attempt that wrote it; `nearfield.appends` is asked now.
            token text NOT NULL,
            PRIMARY KEY (number, place)
        );
        CREATE INDEX records_by_key ON nearfield.records (key);
        CREATE TABLE nearfield.activations (number bigint PRIMARY KEY, body bytea NOT NULL);
        -- Of renewals: no two have the same number, whoever made them.
        CREATE SEQUENCE nearfield.renewals;
        CREATE TABLE nearfield.workers (
            id text PRIMARY KEY,
            host text NOT NULL,
            name text NOT NULL,
            -- Number of the last frame that it has applied, in every release that it holds, on `position`.
            applied bigint NOT NULL,
            position text NOT NULL,
            renewed bigint NOT NULL,
            lease_s double precision NOT NULL,
            -- The newest kind of record that it can read.
            reads integer NOT NULL,
            releases text[] NOT NULL
        );
        CREATE TABLE nearfield.hosts (
            host text PRIMARY KEY,
            data_dir text NOT NULL,
            -- Releases whose files it keeps, with the number of the log at which each was built.
            kept jsonb NOT NULL DEFAULT '{}',
            -- The release that its fresh workers have loaded and wait to answer from.
            loaded text,
            -- Whether a supervisor runs there, which loads what is to go live.
            serves boolean NOT NULL DEFAULT false
        );
        """,
    ),
    Migration(
        2,
        1,
        """
        -- Attempts to append, for as long as whoever made one may ask whether it was committed: its records may have
        -- been replaced since.
        CREATE TABLE nearfield.appends (
            token text PRIMARY KEY,
            number bigint NOT NULL,
            at timestamptz NOT NULL DEFAULT now()
        );
        """,
    ),
)
NEWEST = MIGRATIONS[-1].number
