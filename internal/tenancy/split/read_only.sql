-- From here on the server refuses a statement that writes to more than temporary
-- tables.
SET default_transaction_read_only = on;
