-- Stores a session for a tenant above its storage, whose login may not insert. It runs as the
-- owner of the schema. A member has at most 20 sessions then, so that nobody fills the disk with
-- them. It returns no row if the password is not that of the hash any more.
CREATE FUNCTION new_session(member bigint, hash text, token bytea, expires timestamptz) RETURNS boolean LANGUAGE sql SECURITY DEFINER
BEGIN ATOMIC
  DELETE FROM sessions WHERE member_id = member
    AND token_hash NOT IN (SELECT s.token_hash FROM sessions s WHERE s.member_id = member ORDER BY s.created_at DESC LIMIT 19);
  INSERT INTO sessions (token_hash, member_id, expires_at) SELECT token, id, expires FROM members WHERE id = member AND password = hash RETURNING true;
END;

-- The same roles may call it as may delete sessions.
REVOKE ALL ON FUNCTION new_session FROM PUBLIC;
DO $$
DECLARE
  login name;
BEGIN
  FOR login IN SELECT pg_get_userbyid(grantee) FROM pg_class, aclexplode(relacl)
    WHERE oid = 'sessions'::regclass AND privilege_type = 'DELETE' AND grantee NOT IN (relowner, 0)
  LOOP
    EXECUTE format('GRANT EXECUTE ON FUNCTION new_session TO %I', login);
  END LOOP;
END $$;
