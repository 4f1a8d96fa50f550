// Holds queries against Microsoft's own parser and binder of KQL.
// node kusto.js MODULES SCHEMA FILE...: prints "FILE: severity: message" for each diagnostic; SCHEMA is "(name:type, ...)" of the table.
const path = require("path");
const fs = require("fs");
const [modules, schema, ...files] = process.argv.slice(2);
const language = path.join(modules, "@kusto", "language-service-next");
require(path.join(language, "bridge.js"));
require(path.join(language, "Kusto.Language.Bridge.js"));
const { KustoCode, GlobalState, Symbols } = Kusto.Language;
const members = new (System.Collections.Generic.List$1(Symbols.Symbol).ctor)();
members.add(new Symbols.TableSymbol.$ctor7("gatewatch_CL", schema, null));
const globals = GlobalState.Default.WithDatabase(new Symbols.DatabaseSymbol.$ctor1("db", members, false));
for (const file of files) {
  const code = KustoCode.ParseAndAnalyze(fs.readFileSync(file, "utf8"), globals);
  const found = code.GetDiagnostics();
  const count = found.Count !== undefined ? found.Count : found.length;
  for (let place = 0; place < count; place++) {
    const one = found.getItem ? found.getItem(place) : found[place];
    console.log(`${path.basename(file)}: ${one.Severity}: ${one.Message}`);
  }
}
