-- The signer's role on PostgreSQL: it reads what it judges by, and nothing else; of people not even their names.
--   runuser -u postgres -- psql --dbname wallets --file deploy/signer-role.sql
CREATE ROLE wallets_signer LOGIN PASSWORD 'CHANGE-ME';
ALTER ROLE wallets_signer SET default_transaction_read_only = on;
GRANT USAGE ON SCHEMA public TO wallets_signer;
GRANT SELECT ON
    ledger_coin, ledger_coinwallet, ledger_feerule, ledger_limit, ledger_sitesettings, ledger_rulesversion,
    ledger_account, ledger_transaction, ledger_posting, ledger_operation, ledger_approval,
    ledger_withdrawal, ledger_dispatch, ledger_freeze, ledger_ruleset, ledger_policyrule, ledger_policydecision,
    ledger_switch, adapters_wallet
    TO wallets_signer;
GRANT SELECT (id, is_active, held_until) ON accounts_user TO wallets_signer;
