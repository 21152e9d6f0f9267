CREATE OR REPLACE FUNCTION guard_rules_changed() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO ledger_rulesversion (id, number) VALUES (1, 1)
    ON CONFLICT (id) DO UPDATE SET number = ledger_rulesversion.number + 1;
    RETURN NULL;
END $$;
---
CREATE OR REPLACE TRIGGER guard_rules_coin AFTER INSERT OR UPDATE OR DELETE OR TRUNCATE ON ledger_coin
FOR EACH STATEMENT EXECUTE FUNCTION guard_rules_changed();
---
CREATE OR REPLACE TRIGGER guard_rules_feerule AFTER INSERT OR UPDATE OR DELETE OR TRUNCATE ON ledger_feerule
FOR EACH STATEMENT EXECUTE FUNCTION guard_rules_changed();
---
CREATE OR REPLACE TRIGGER guard_rules_limit AFTER INSERT OR UPDATE OR DELETE OR TRUNCATE ON ledger_limit
FOR EACH STATEMENT EXECUTE FUNCTION guard_rules_changed();
---
CREATE OR REPLACE TRIGGER guard_rules_sitesettings AFTER INSERT OR UPDATE OR DELETE OR TRUNCATE ON ledger_sitesettings
FOR EACH STATEMENT EXECUTE FUNCTION guard_rules_changed();
---
CREATE OR REPLACE TRIGGER guard_rules_freeze AFTER INSERT OR UPDATE OR DELETE OR TRUNCATE ON ledger_freeze
FOR EACH STATEMENT EXECUTE FUNCTION guard_rules_changed();
---
CREATE OR REPLACE TRIGGER guard_rules_coinwallet AFTER INSERT OR UPDATE OF is_active, payouts_on OR DELETE OR TRUNCATE ON ledger_coinwallet
FOR EACH STATEMENT EXECUTE FUNCTION guard_rules_changed();
---
CREATE OR REPLACE TRIGGER guard_rules_wallet AFTER UPDATE OF state ON adapters_wallet
FOR EACH ROW WHEN (OLD.state IS DISTINCT FROM NEW.state) EXECUTE FUNCTION guard_rules_changed();
---
CREATE OR REPLACE TRIGGER guard_rules_ruleset AFTER INSERT OR UPDATE OR DELETE OR TRUNCATE ON ledger_ruleset
FOR EACH STATEMENT EXECUTE FUNCTION guard_rules_changed();
---
CREATE OR REPLACE TRIGGER guard_rules_switch AFTER INSERT OR UPDATE OR DELETE OR TRUNCATE ON ledger_switch
FOR EACH STATEMENT EXECUTE FUNCTION guard_rules_changed();
