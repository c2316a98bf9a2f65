/// How the page looks: system fonts, light and dark by the reader's choice, and for paper.
enum Stylesheet {
    /// Six colours that people with any of the common colour deficiencies tell apart, each at least 3:1 on its ground.
    static let text = """
        :root{color-scheme:light dark;--ground:#f6f7f9;--card:#fff;--ink:#171b22;--soft:#566070;--line:#dfe3e9;--grid:#e9ecf0;
        --good:#00684a;--good-ground:#dcf3ea;--bad:#a8071a;--bad-ground:#fde3e3;--flat:#4a5361;--flat-ground:#e8ebf0;
        --limit:#b3001b;--c0:#0a66b0;--c1:#c65102;--c2:#00805c;--c3:#9b3f8a;--c4:#866800;--c5:#4b5870}
        @media (prefers-color-scheme:dark){:root{--ground:#101318;--card:#181c23;--ink:#e8ebf0;--soft:#9aa5b4;--line:#2c333d;
        --grid:#262c35;--good:#5fd6a8;--good-ground:#10392c;--bad:#ff8f8f;--bad-ground:#46191d;--flat:#b8c1cd;
        --flat-ground:#2a313b;--limit:#ff7a7a;--c0:#5ab0f2;--c1:#ff9650;--c2:#3ecf9f;--c3:#e08fd3;--c4:#e2bb3f;--c5:#a9b6c9}}
        *{box-sizing:border-box}
        body{margin:0;background:var(--ground);color:var(--ink);font:14px/1.5 system-ui,-apple-system,"Segoe UI",Roboto,
        "Noto Sans","Liberation Sans",sans-serif;font-variant-numeric:tabular-nums}
        main,body>header,body>footer{max-width:1440px;margin:0 auto;padding:0 20px}
        body>header{padding-top:26px;padding-bottom:4px}
        h1{font-size:24px;line-height:1.25;margin:0 0 4px;letter-spacing:-.01em}
        h2{font-size:19px;line-height:1.3;margin:0;letter-spacing:-.005em}
        h3{font-size:12px;margin:24px 0 8px;color:var(--soft);font-weight:600;text-transform:uppercase;letter-spacing:.06em}
        p{margin:4px 0}
        a{color:var(--c0)}
        .soft,.sub{color:var(--soft)}
        .sub{font-size:13px;overflow-wrap:anywhere}
        section{background:var(--card);border:1px solid var(--line);border-radius:10px;padding:18px 20px 20px;margin:16px 0}
        .head{display:flex;flex-wrap:wrap;gap:6px 12px;align-items:center}
        .badge{display:inline-block;font-weight:700;font-size:12px;letter-spacing:.05em;padding:2px 9px;border-radius:5px;
        white-space:nowrap}
        .badge.big{font-size:14px;padding:4px 12px}
        .good{color:var(--good)}.bad{color:var(--bad)}
        .badge.good{background:var(--good-ground)}.badge.bad{background:var(--bad-ground)}
        .badge.flat{background:var(--flat-ground);color:var(--flat)}
        .key{display:inline-grid;place-items:center;min-width:24px;height:24px;padding:0 6px;border-radius:6px;color:var(--card);
        font-weight:700;font-size:13px;background:var(--c0)}
        .key.c1{background:var(--c1)}.key.c2{background:var(--c2)}.key.c3{background:var(--c3)}.key.c4{background:var(--c4)}
        .key.c5{background:var(--c5)}
        .tiles{display:flex;flex-wrap:wrap;gap:10px;margin:16px 0 0}
        .tile{flex:1 1 150px;border:1px solid var(--line);border-radius:8px;padding:9px 13px 10px;min-width:0}
        .tile.primary{border-color:var(--c0);box-shadow:inset 3px 0 0 var(--c0)}
        .tile b{display:block;font-size:12px;font-weight:500;color:var(--soft)}
        .tile data{display:block;font-size:20px;font-weight:650;letter-spacing:-.01em}
        .tile.primary data{font-size:23px}.tile data small{display:inline;font-weight:500;font-size:13px;letter-spacing:0}
        .tile small{display:block;color:var(--soft);font-size:12px;line-height:1.35}
        .reasons{margin:14px 0 0;padding:10px 14px 10px 32px;border-radius:8px;background:var(--bad-ground);color:var(--ink)}
        .reasons.flat{background:var(--flat-ground)}
        .reasons li{margin:2px 0;overflow-wrap:anywhere}
        .scroll{overflow-x:auto;margin:0 -4px;padding:0 4px}
        table{border-collapse:collapse;width:100%}
        th,td{padding:6px 12px 6px 0;text-align:right;border-bottom:1px solid var(--line);white-space:nowrap;vertical-align:top}
        th{font-weight:500;color:var(--soft);font-size:12.5px}
        tbody th{color:var(--ink);font-size:14px}
        th:first-child,td.t,th.t{text-align:left}
        tbody tr:last-child>*{border-bottom:0}
        td.w{white-space:normal;overflow-wrap:anywhere;text-align:left;min-width:130px}
        td.at{font-weight:700}
        td .better{color:var(--good)}td .worse{color:var(--bad)}
        .pair{display:flex;flex-wrap:wrap;gap:0 56px}.pair>*{max-width:100%;min-width:0}td i{font-style:normal}
        .sides,.settings{width:auto}.sides th:first-child,.settings th:first-child{min-width:190px}.sides td{padding-right:6px;
        padding-left:22px}.sides td.d{padding-left:2px;padding-right:12px;text-align:left}.settings td{padding-left:22px}
        .sides thead th{padding-left:22px}.sides thead th:first-child{padding-left:0}
        td small,th small{color:var(--soft);font-weight:400;font-size:12px}
        td.gauge{width:26%;min-width:130px;vertical-align:middle}
        .bar{position:relative;display:block;height:9px;border-radius:5px;background:var(--grid)}
        .bar i{position:absolute;left:0;min-width:3px;top:0;bottom:0;border-radius:5px;background:var(--good)}
        .bar i.over{background:var(--bad)}
        .bar u{position:absolute;top:-4px;bottom:-4px;width:2px;margin-left:-1px;background:var(--ink)}
        .charts{display:grid;grid-template-columns:repeat(auto-fill,minmax(min(100%,380px),1fr));gap:14px}
        .chart{margin:0;min-width:0;border:1px solid var(--line);border-radius:8px;padding:11px 14px 8px;display:flex;
        flex-direction:column;break-inside:avoid}
        figcaption{line-height:1.35}figcaption b{font-weight:600}
        figcaption span{color:var(--soft);font-size:12px;display:block}
        .legend{list-style:none;margin:4px 0 0;padding:0;display:flex;flex-wrap:wrap;gap:1px 14px;font-size:12px}
        .legend svg{width:22px;height:6px;margin-right:6px;vertical-align:middle}.legend path{fill:none;stroke-width:2.5}
        .ytitle,.xtitle{font-size:11.5px;color:var(--soft);margin:0}
        .ytitle{margin-top:auto;padding:7px 0 4px}.xtitle{text-align:right;margin-top:21px}
        .box{padding:4px 6px 0 50px}
        .plot{position:relative;height:205px}
        .plot>svg{position:absolute;inset:0;width:100%;height:100%;overflow:visible;display:block}
        .plot path,.plot polyline,.plot polygon,.legend path{vector-effect:non-scaling-stroke}
        .grid{stroke:var(--grid);fill:none}
        .line{fill:none;stroke-width:1.8;stroke-linejoin:round}
        .band{opacity:.17}
        .plot .dots,.plot .thin,.legend .thin,.solo .line{stroke-dasharray:none}.plot .thin{stroke-width:1.3}
        .plot .band,.plot .heat{stroke:none}.dots{fill:none;stroke-width:3.4;stroke-linecap:round;opacity:.55}
        .heat.c0{fill:var(--c0)}.heat.c1{fill:var(--c1)}.heat.c2{fill:var(--c2)}.heat.c3{fill:var(--c3)}
        .heat.c4{fill:var(--c4)}.heat.c5{fill:var(--c5)}.h1{opacity:.13}.h2{opacity:.26}.h3{opacity:.43}.h4{opacity:.65}.h5{opacity:.9}
        .c0{stroke:var(--c0)}.c1{stroke:var(--c1);stroke-dasharray:7 3}.c2{stroke:var(--c2);stroke-dasharray:2 2.5}
        .c3{stroke:var(--c3);stroke-dasharray:10 3 2 3}.c4{stroke:var(--c4);stroke-dasharray:4 3}
        .c5{stroke:var(--c5);stroke-dasharray:12 4}
        .band.c0{fill:var(--c0)}.band.c1{fill:var(--c1)}.band.c2{fill:var(--c2)}.band.c3{fill:var(--c3)}
        .band.c4{fill:var(--c4)}.band.c5{fill:var(--c5)}
        path.mark{stroke-width:1;stroke-dasharray:2 3;fill:none}
        path.limit{stroke:var(--limit);stroke-width:1.5;stroke-dasharray:6 4;fill:none}
        .plot span{position:absolute;font-size:11px;line-height:1;white-space:nowrap;color:var(--soft)}
        .plot .y{right:100%;margin-right:7px;transform:translateY(50%)}
        .plot .x{top:100%;margin-top:7px;transform:translateX(-50%)}
        .plot .rule{padding-left:4px;border-left:1px solid;color:var(--c0);font-weight:600}
        .plot .rule.left{transform:translateX(-100%);padding:0 4px 0 0;border-left:0;border-right:1px solid}
        .plot .rule.c1{color:var(--c1)}.plot .rule.c2{color:var(--c2)}.plot .rule.c3{color:var(--c3)}
        .plot .rule.c4{color:var(--c4)}.plot .rule.c5{color:var(--c5)}
        .plot .level{right:2px;margin-bottom:3px;font-weight:600;color:var(--c0);background:var(--card);padding:1px 3px;
        border-radius:3px}
        .plot .level.below{transform:translateY(100%);margin-bottom:-3px}
        .plot .rule.limit,.plot .level.limit{color:var(--limit)}
        .tip{position:absolute;z-index:2;pointer-events:none;background:var(--ink);color:var(--card);padding:5px 8px;
        border-radius:6px;font-size:12px;line-height:1.4;white-space:nowrap;top:4px}
        .cross{position:absolute;top:0;bottom:0;width:1px;background:var(--soft);pointer-events:none}
        details{margin-top:14px;border-top:1px solid var(--line);padding-top:10px}
        details+details{margin-top:10px}
        summary{cursor:pointer;font-weight:600}
        dl{display:grid;grid-template-columns:max-content 1fr;gap:3px 18px;margin:10px 0 0}
        dt{color:var(--soft)}dd{margin:0;overflow-wrap:anywhere;min-width:0}
        code,pre{font-family:ui-monospace,"SF Mono",Menlo,Consolas,"DejaVu Sans Mono",monospace;font-size:12.5px}
        pre{white-space:pre-wrap;overflow-wrap:anywhere;background:var(--ground);padding:9px 12px;border-radius:6px;margin:8px 0}
        .notes{margin:12px 0 0;padding-left:18px;color:var(--soft);font-size:13px}.notes li{overflow-wrap:anywhere}
        body>footer{color:var(--soft);font-size:12px;padding-top:4px;padding-bottom:30px}
        @media (max-width:600px){main,body>header,body>footer{padding-left:10px;padding-right:10px}section{padding:14px 13px}
        h1{font-size:20px}.tile{flex-basis:130px}.plot .minor{display:none}.chart{padding:10px 9px 7px}.box{padding-left:44px}
        dl{grid-template-columns:1fr}dt{margin-top:6px}th,td{padding-right:9px}
        .sides th:first-child,.settings th:first-child{min-width:0}.sides td,.sides thead th{padding-left:9px}.checks td,.checks tbody th{font-size:13px}
        .checks td.t i{display:none}
        .checks td.w,.checks th.w,.checks td.gauge,.checks th.gauge{display:none}}
        @media print{:root{--ground:#fff}body{font-size:11px}section{border:0;padding:0;margin:0 0 18px}
        .charts{grid-template-columns:1fr 1fr}.tip,.cross{display:none}.plot{height:170px}tr{break-inside:avoid}
        *{-webkit-print-color-adjust:exact;print-color-adjust:exact}}
        """
}
