CREATE TRIGGER guard_rules_coin_insert AFTER INSERT ON ledger_coin
BEGIN INSERT INTO ledger_rulesversion (id, number) VALUES (1, 1) ON CONFLICT (id) DO UPDATE SET number = number + 1; END;
---
CREATE TRIGGER guard_rules_coin_update AFTER UPDATE ON ledger_coin
BEGIN INSERT INTO ledger_rulesversion (id, number) VALUES (1, 1) ON CONFLICT (id) DO UPDATE SET number = number + 1; END;
---
CREATE TRIGGER guard_rules_coin_delete AFTER DELETE ON ledger_coin
BEGIN INSERT INTO ledger_rulesversion (id, number) VALUES (1, 1) ON CONFLICT (id) DO UPDATE SET number = number + 1; END;
---
CREATE TRIGGER guard_rules_feerule_insert AFTER INSERT ON ledger_feerule
BEGIN INSERT INTO ledger_rulesversion (id, number) VALUES (1, 1) ON CONFLICT (id) DO UPDATE SET number = number + 1; END;
---
CREATE TRIGGER guard_rules_feerule_update AFTER UPDATE ON ledger_feerule
BEGIN INSERT INTO ledger_rulesversion (id, number) VALUES (1, 1) ON CONFLICT (id) DO UPDATE SET number = number + 1; END;
---
CREATE TRIGGER guard_rules_feerule_delete AFTER DELETE ON ledger_feerule
BEGIN INSERT INTO ledger_rulesversion (id, number) VALUES (1, 1) ON CONFLICT (id) DO UPDATE SET number = number + 1; END;
---
CREATE TRIGGER guard_rules_limit_insert AFTER INSERT ON ledger_limit
BEGIN INSERT INTO ledger_rulesversion (id, number) VALUES (1, 1) ON CONFLICT (id) DO UPDATE SET number = number + 1; END;
---
CREATE TRIGGER guard_rules_limit_update AFTER UPDATE ON ledger_limit
BEGIN INSERT INTO ledger_rulesversion (id, number) VALUES (1, 1) ON CONFLICT (id) DO UPDATE SET number = number + 1; END;
---
CREATE TRIGGER guard_rules_limit_delete AFTER DELETE ON ledger_limit
BEGIN INSERT INTO ledger_rulesversion (id, number) VALUES (1, 1) ON CONFLICT (id) DO UPDATE SET number = number + 1; END;
---
CREATE TRIGGER guard_rules_sitesettings_insert AFTER INSERT ON ledger_sitesettings
BEGIN INSERT INTO ledger_rulesversion (id, number) VALUES (1, 1) ON CONFLICT (id) DO UPDATE SET number = number + 1; END;
---
CREATE TRIGGER guard_rules_sitesettings_update AFTER UPDATE ON ledger_sitesettings
BEGIN INSERT INTO ledger_rulesversion (id, number) VALUES (1, 1) ON CONFLICT (id) DO UPDATE SET number = number + 1; END;
---
CREATE TRIGGER guard_rules_sitesettings_delete AFTER DELETE ON ledger_sitesettings
BEGIN INSERT INTO ledger_rulesversion (id, number) VALUES (1, 1) ON CONFLICT (id) DO UPDATE SET number = number + 1; END;
---
CREATE TRIGGER guard_rules_freeze_insert AFTER INSERT ON ledger_freeze
BEGIN INSERT INTO ledger_rulesversion (id, number) VALUES (1, 1) ON CONFLICT (id) DO UPDATE SET number = number + 1; END;
---
CREATE TRIGGER guard_rules_freeze_update AFTER UPDATE ON ledger_freeze
BEGIN INSERT INTO ledger_rulesversion (id, number) VALUES (1, 1) ON CONFLICT (id) DO UPDATE SET number = number + 1; END;
---
CREATE TRIGGER guard_rules_freeze_delete AFTER DELETE ON ledger_freeze
BEGIN INSERT INTO ledger_rulesversion (id, number) VALUES (1, 1) ON CONFLICT (id) DO UPDATE SET number = number + 1; END;
---
CREATE TRIGGER guard_rules_coinwallet_insert AFTER INSERT ON ledger_coinwallet
BEGIN INSERT INTO ledger_rulesversion (id, number) VALUES (1, 1) ON CONFLICT (id) DO UPDATE SET number = number + 1; END;
---
CREATE TRIGGER guard_rules_coinwallet_update AFTER UPDATE OF is_active, payouts_on ON ledger_coinwallet
BEGIN INSERT INTO ledger_rulesversion (id, number) VALUES (1, 1) ON CONFLICT (id) DO UPDATE SET number = number + 1; END;
---
CREATE TRIGGER guard_rules_coinwallet_delete AFTER DELETE ON ledger_coinwallet
BEGIN INSERT INTO ledger_rulesversion (id, number) VALUES (1, 1) ON CONFLICT (id) DO UPDATE SET number = number + 1; END;
---
CREATE TRIGGER guard_rules_wallet_update AFTER UPDATE OF state ON adapters_wallet WHEN OLD.state <> NEW.state
BEGIN INSERT INTO ledger_rulesversion (id, number) VALUES (1, 1) ON CONFLICT (id) DO UPDATE SET number = number + 1; END;
---
CREATE TRIGGER guard_rules_ruleset_insert AFTER INSERT ON ledger_ruleset
BEGIN INSERT INTO ledger_rulesversion (id, number) VALUES (1, 1) ON CONFLICT (id) DO UPDATE SET number = number + 1; END;
---
CREATE TRIGGER guard_rules_ruleset_update AFTER UPDATE ON ledger_ruleset
BEGIN INSERT INTO ledger_rulesversion (id, number) VALUES (1, 1) ON CONFLICT (id) DO UPDATE SET number = number + 1; END;
---
CREATE TRIGGER guard_rules_ruleset_delete AFTER DELETE ON ledger_ruleset
BEGIN INSERT INTO ledger_rulesversion (id, number) VALUES (1, 1) ON CONFLICT (id) DO UPDATE SET number = number + 1; END;
---
CREATE TRIGGER guard_rules_switch_insert AFTER INSERT ON ledger_switch
BEGIN INSERT INTO ledger_rulesversion (id, number) VALUES (1, 1) ON CONFLICT (id) DO UPDATE SET number = number + 1; END;
---
CREATE TRIGGER guard_rules_switch_update AFTER UPDATE ON ledger_switch
BEGIN INSERT INTO ledger_rulesversion (id, number) VALUES (1, 1) ON CONFLICT (id) DO UPDATE SET number = number + 1; END;
---
CREATE TRIGGER guard_rules_switch_delete AFTER DELETE ON ledger_switch
BEGIN INSERT INTO ledger_rulesversion (id, number) VALUES (1, 1) ON CONFLICT (id) DO UPDATE SET number = number + 1; END;
