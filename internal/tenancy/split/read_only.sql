-- From here on, the server refuses statements that write to other than temporary tables.
SET default_transaction_read_only = on;
