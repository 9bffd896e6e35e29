-- wait_less lowers lock_timeout after a wait for a lock has failed. The first such tenant
-- may take 30 s. If each took that long, hundreds would take hours. So the next ten have
-- 8 s each, and all others half a second. Of the 8 s, watch.sql needs 5 to end a tenant's
-- own session.
CREATE SEQUENCE pg_temp.lock_timeouts;
CREATE FUNCTION pg_temp.wait_less() RETURNS void LANGUAGE sql AS $$
  SELECT set_config('lock_timeout', CASE WHEN nextval('pg_temp.lock_timeouts') <= 10 THEN '8s' ELSE '500ms' END, false)
$$;

-- always runs a statement for a tenant. An error is recorded in failures. A tenant may change
-- its own role again and again; then our change of that role fails with "tuple concurrently
-- updated" (XX000). always ends the tenant's sessions, and tries again.
CREATE FUNCTION pg_temp.always(of_tenant text, step text, statement text) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
  FOR try IN 1 .. 20 LOOP
    BEGIN
      EXECUTE statement;
      RETURN;
    EXCEPTION WHEN OTHERS OR query_canceled THEN -- OTHERS does not include a statement_timeout
      IF SQLSTATE = 'XX000' AND try < 20 THEN
        PERFORM pg_stat_clear_snapshot();
        PERFORM pg_terminate_backend(pid, 1000) FROM pg_stat_activity JOIN platform.tenants t ON usename = role
        WHERE t.name IN (SELECT of_tenant UNION SELECT renamed_from FROM pg_temp.desired WHERE name = of_tenant);
        CONTINUE;
      END IF;
      IF SQLSTATE IN ('55P03', '57014') THEN
        PERFORM pg_temp.wait_less();
      END IF;
      RAISE WARNING 'tenant %: % failed: %', of_tenant, step, SQLERRM;
      INSERT INTO pg_temp.failures VALUES (of_tenant, step, SQLERRM);
      RETURN;
    END;
  END LOOP;
END $$;

-- attempt is always for a tenant without a failure. So after a failure, all later steps of
-- this run skip the tenant.
CREATE FUNCTION pg_temp.attempt(of_tenant text, step text, statement text) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
  IF NOT EXISTS (SELECT FROM pg_temp.failures WHERE name = of_tenant) THEN
    PERFORM pg_temp.always(of_tenant, step, statement);
  END IF;
END $$;

-- change prints a statement, then runs it as attempt does.
CREATE FUNCTION pg_temp.change(of_tenant text, statement text) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
  IF NOT EXISTS (SELECT FROM pg_temp.failures WHERE name = of_tenant) THEN
    RAISE INFO '%', statement;
    PERFORM pg_temp.attempt(of_tenant, statement, statement);
  END IF;
END $$;

-- set_own is change for a role's own setting, which the role sets itself. So PostgreSQL
-- does not search all roles that the administrator administers (see roles.sql). The
-- statement runs no code of the tenant's.
CREATE FUNCTION pg_temp.set_own(of_tenant text, of_role name, statement text) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
  IF NOT EXISTS (SELECT FROM pg_temp.failures WHERE name = of_tenant) THEN
    RAISE INFO '%', statement;
    PERFORM pg_temp.attempt(of_tenant, statement, format('SET LOCAL ROLE %I; %s; SET LOCAL ROLE NONE', of_role, statement));
  END IF;
END $$;

-- step runs pg_temp.<of_function>(<tenant's name>) as attempt does.
CREATE FUNCTION pg_temp.step(of_tenant text, step text, of_function name) RETURNS void LANGUAGE sql AS $$
  SELECT pg_temp.attempt(of_tenant, step, format('SELECT pg_temp.%I(%L)', of_function, of_tenant))
$$;

-- set_password sets a role's password from its verifier. No message contains the verifier.
-- With log_lock_waits the server logs the text of a statement that waits. A tenant that changes
-- its role in an open transaction makes the first statement wait, and that has no verifier.
CREATE FUNCTION pg_temp.set_password(of_role name, attributes text) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
  EXECUTE format('ALTER ROLE %I %s', of_role, attributes);
  EXECUTE format('ALTER ROLE %I PASSWORD %L', of_role, (SELECT verifier FROM pg_temp.verifiers WHERE role = of_role));
EXCEPTION WHEN OTHERS THEN
  RAISE EXCEPTION 'the password of % cannot be set: %', of_role, SQLSTATE USING ERRCODE = SQLSTATE;
END $$;

-- end_sessions ends the sessions of a role. It is an error if one has not ended after 5 s:
-- some statements cannot be interrupted, such as one multiplication of long numbers.
CREATE FUNCTION pg_temp.end_sessions(of_role name) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
  pids int[];
BEGIN
  PERFORM pg_stat_clear_snapshot();
  pids := ARRAY(SELECT pid FROM pg_stat_activity WHERE usename = of_role);
  IF pids = '{}' THEN
    RETURN;
  END IF;
  RAISE INFO 'end % sessions of %', cardinality(pids), of_role;
  PERFORM pg_terminate_backend(pid) FROM unnest(pids) AS of (pid);
  FOR wait IN 1 .. 100 LOOP
    PERFORM pg_stat_clear_snapshot();
    pids := ARRAY(SELECT pid FROM pg_stat_activity WHERE usename = of_role AND pid = ANY (pids));
    IF pids = '{}' THEN
      RETURN;
    END IF;
    PERFORM pg_sleep(0.05);
  END LOOP;
  RAISE EXCEPTION '% sessions of % have not ended after 5 s: they are in a statement that cannot be interrupted', cardinality(pids), of_role;
END $$;

CREATE FUNCTION pg_temp.is_empty(schema name) RETURNS boolean LANGUAGE sql AS $$
  SELECT NOT EXISTS (SELECT FROM pg_class WHERE relnamespace = to_regnamespace(quote_ident(schema)))
    AND NOT EXISTS (SELECT FROM pg_proc WHERE pronamespace = to_regnamespace(quote_ident(schema)))
    AND NOT EXISTS (SELECT FROM pg_type WHERE typnamespace = to_regnamespace(quote_ident(schema)))
$$;

-- grant_use grants a tenant's login its rights on the schema and the objects in it. For
-- objects that are created later, the owner's default privileges do this.
CREATE FUNCTION pg_temp.grant_use(schema name, to_role name) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
  EXECUTE format('GRANT USAGE ON SCHEMA %I TO %I', schema, to_role);
  EXECUTE format('GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA %I TO %I', schema, to_role);
  EXECUTE format('GRANT USAGE, SELECT ON ALL SEQUENCES IN SCHEMA %I TO %I', schema, to_role);
  EXECUTE format('GRANT EXECUTE ON ALL ROUTINES IN SCHEMA %I TO %I', schema, to_role);
END $$;
