-- Run once by the PostgreSQL image, as its superuser, when the volume is empty. None of ours is a superuser afterwards.
\set ON_ERROR_STOP on
\set gatetrail_password `cat /run/secrets/gatetrail_password`
\set auditor_password `cat /run/secrets/auditor_password`

-- Owns the tables, since it makes their partitions.
CREATE ROLE gatetrail LOGIN PASSWORD :'gatetrail_password';
CREATE DATABASE gatetrail OWNER gatetrail;
REVOKE ALL ON DATABASE gatetrail FROM PUBLIC;

-- May only read. The migrations grant it the tables and views; people and Grafana log in as members of it.
CREATE ROLE gatetrail_auditor NOLOGIN;
GRANT CONNECT ON DATABASE gatetrail TO gatetrail_auditor;
CREATE ROLE auditor LOGIN PASSWORD :'auditor_password' IN ROLE gatetrail_auditor;
ALTER ROLE auditor SET default_transaction_read_only = on;
ALTER ROLE auditor SET statement_timeout = '30s';
