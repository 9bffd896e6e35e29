-- Creates a schema for each tenant. Its owner owns it, and its login may use it.
SELECT format('SELECT pg_temp.change(%L, %L)', name, format('CREATE SCHEMA %I AUTHORIZATION %I', role, owner)) FROM kept
WHERE to_regnamespace(quote_ident(role)) IS NULL ORDER BY role
\gexec

-- An earlier version had no owners: the login owned its schema and all objects in it. One
-- transaction gives them to the owner, so that the app's sessions have their rights all the
-- time. Large objects stay with the login, because there are no default privileges for them.
CREATE FUNCTION pg_temp.move_to_owner(of_tenant text) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
  d pg_temp.desired := (SELECT d FROM pg_temp.desired d WHERE name = of_tenant);
  large oid;
  code text;
BEGIN
  RAISE INFO 'tenant %: change the owner of the objects of % to %', d.name, d.role, d.owner;
  SELECT string_agg(oid::regprocedure::text, ', ' ORDER BY oid::regprocedure::text) INTO code
  FROM pg_proc WHERE proowner = to_regrole(quote_ident(d.role));
  EXECUTE format('REASSIGN OWNED BY %I TO %I', d.role, d.owner);
  FOR large IN SELECT oid FROM pg_largeobject_metadata WHERE lomowner = to_regrole(quote_ident(d.owner)) LOOP
    EXECUTE format('ALTER LARGE OBJECT %s OWNER TO %I', large, d.role);
  END LOOP;
  PERFORM pg_temp.grant_use(d.role, d.role);
  IF code IS NOT NULL THEN
    RAISE WARNING 'tenant %: its login could create functions until now; read them before you migrate its schema: %', d.name, code;
  END IF;
END $$;
SELECT format('SELECT pg_temp.step(%L, %L, %L)', name, 'moving its objects to the owner', 'move_to_owner')
FROM kept JOIN pg_namespace ON nspname = role WHERE pg_get_userbyid(nspowner) = role ORDER BY name
\gexec

-- Only the login may use the schema, and it may not grant that to others.
SELECT format('SELECT pg_temp.change(%L, %L)', name, format('REVOKE GRANT OPTION FOR ALL ON SCHEMA %I FROM %I CASCADE', role, role))
FROM kept JOIN pg_namespace ON nspname = role, aclexplode(nspacl) WHERE grantee = to_regrole(quote_ident(role)) AND is_grantable ORDER BY role
\gexec
SELECT format('SELECT pg_temp.change(%L, %L)', name, format('GRANT USAGE ON SCHEMA %I TO %I', role, role)) FROM kept
WHERE NOT EXISTS (SELECT FROM pg_namespace, aclexplode(nspacl) WHERE nspname = role AND grantee = to_regrole(quote_ident(role)) AND privilege_type = 'USAGE')
ORDER BY role
\gexec
SELECT DISTINCT format('SELECT pg_temp.change(%L, %L)', name, format('REVOKE %s ON SCHEMA %I FROM %s CASCADE',
  CASE WHEN grantee = to_regrole(quote_ident(role)) THEN 'CREATE' ELSE 'ALL' END, role, CASE WHEN grantee = 0 THEN 'PUBLIC' ELSE quote_ident(pg_get_userbyid(grantee)) END))
FROM kept JOIN pg_namespace ON nspname = role, aclexplode(nspacl)
WHERE grantee <> nspowner AND (grantee <> to_regrole(quote_ident(role)) OR privilege_type <> 'USAGE') ORDER BY 1
\gexec

-- The login may use what the owner creates later. A schema that is restored gets these
-- default privileges from its dump. Otherwise rights that were revoked would come back.
SELECT format('SELECT pg_temp.change(%L, %L)', name, format('ALTER DEFAULT PRIVILEGES FOR ROLE %I IN SCHEMA %I GRANT %s TO %I', owner, role, rights || ' ON ' || things, role))
FROM kept, (VALUES ('r'::"char", 'TABLES', 'SELECT, INSERT, UPDATE, DELETE'), ('S', 'SEQUENCES', 'USAGE, SELECT')) AS use (type, things, rights)
WHERE name NOT IN (SELECT name FROM restoring) AND EXISTS (SELECT FROM unnest(string_to_array(rights, ', ')) AS wanted (privilege)
  WHERE NOT EXISTS (SELECT FROM pg_default_acl, aclexplode(defaclacl) a WHERE defaclrole = to_regrole(quote_ident(owner))
    AND defaclnamespace = to_regnamespace(quote_ident(role)) AND defaclobjtype = type
    AND a.grantee = to_regrole(quote_ident(role)) AND a.privilege_type = wanted.privilege))
ORDER BY role, things
\gexec
