# Reads messages of psql, pg_dump and pg_restore. Prints the first line of an error. It
# keeps an error's text only if PostgreSQL itself raises that text, and if it has names but
# no values. The functions of a tenant may raise an error with a row's values in it. What
# follows the first ERROR is not printed: a function's text may have a line like a program's.
/^(psql|pg_dump|pg_restore|ERROR|FATAL):/!d
s/: ".*//
s/value "[^"]*"*/value/
/ERROR:  /!{
  p
  d
}
/ERROR:  canceling statement due to [a-z -]+$/b print
/ERROR:  (permission denied for|must be owner of) (schema|table|view|materialized view|sequence|function|procedure|type|domain|language|database|extension|foreign table|foreign server)( [A-Za-z_][A-Za-z0-9_]*)?$/b print
/ERROR:  permission denied to [a-z ]+$/b print
/ERROR:  (extension|schema|relation|type|role|language|collation|text search configuration) "[A-Za-z_][A-Za-z0-9_]*" (already exists|does not exist)$/b print
/ERROR:  extension "[A-Za-z_][A-Za-z0-9_]*" is not available$/b print
/ERROR:  (type|function|cast from type) [A-Za-z_][A-Za-z0-9_.]*(\([a-z ,.]*\)| to type [a-z_.]+)? (already exists|does not exist)$/b print
/ERROR:  (new row for relation|duplicate key value|insert or update on table|null value in column|value for domain) .*violates (check|unique|foreign key|not-null) constraint( "[A-Za-z_][A-Za-z0-9_]*")?$/b print
/ERROR:  new row violates row-level security policy for table "[A-Za-z_][A-Za-z0-9_]*"$/b print
/ERROR:  query would be affected by row-level security policy for table "[A-Za-z_][A-Za-z0-9_]*"$/b print
/ERROR:  invalid input (syntax|value) for (type|enum) [A-Za-z_][A-Za-z0-9_.]*$/b print
/ERROR:  value is out of range for type [a-z ]+$/b print
/ERROR:  (integer|bigint|smallint|date\/time field value) out of range$/b print
/ERROR:  (out of shared memory|out of memory|deadlock detected|division by zero|infinite recursion detected in rules for relation "[A-Za-z_][A-Za-z0-9_]*")$/b print
/ERROR:  grant options cannot be granted back to your own grantor$/b print
s/ERROR:  .*/ERROR (the log of the database has its text, which may contain rows)/
:print
p
q
