/// Shows the values under the pointer; the page says everything of weight without it.
enum HoverScript {
    /// Reads the curves out of the drawing, so that no number stands in the page twice.
    static let text = """
        (function(){
        function time(v){var u=[['s',1e9],['ms',1e6],['µs',1e3]];
        for(var i=0;i<3;i++){if(Math.abs(v)>=u[i][1]*.9995){return (v/u[i][1]).toPrecision(3).replace(/e.*/,'')+' '+u[i][0];}}
        return Math.round(v)+' ns';}
        function show(v,f){if(f==='ns'){return time(v);}if(f==='percent'){return (v*100).toFixed(v>.99?2:1)+' %';}
        return v>=1e4?Math.round(v).toLocaleString('en').replace(/,/g,' '):String(+v.toPrecision(4));}
        function axis(t){var p=t.split(' '),lo=+p[1],hi=+p[2],log=p[0]==='log';
        return function(s){return show(log?lo*Math.pow(hi/lo,s):lo+(hi-lo)*s,p[3]);};}
        document.querySelectorAll('.plot').forEach(function(plot){
        var lines=null,x=axis(plot.dataset.x),y=axis(plot.dataset.y),tip=null,cross=null;
        function at(points,px){var a=0,b=points.length-1;
        if(px<points[0][0]||px>points[b][0]){return null;}
        while(b-a>1){var m=(a+b)>>1;if(points[m][0]<=px){a=m;}else{b=m;}}
        var p=points[a],q=points[b],w=q[0]-p[0];return w>0?p[1]+(q[1]-p[1])*(px-p[0])/w:q[1];}
        function leave(){if(tip){tip.remove();cross.remove();tip=cross=null;}}
        plot.addEventListener('pointermove',function(e){
        if(!lines){lines=[].map.call(plot.querySelectorAll('polyline'),function(l){return {name:l.dataset.name,
        points:l.getAttribute('points').split(' ').map(function(p){return p.split(',').map(Number);})};});}
        var box=plot.getBoundingClientRect(),s=Math.min(1,Math.max(0,(e.clientX-box.left)/box.width));
        var rows=[x(s)];
        lines.forEach(function(l){var v=at(l.points,s*1000);
        if(v!==null){rows.push((lines.length>1?l.name+': ':'')+y(1-v/1000));}});
        if(rows.length<2){rows.push(y(1-(e.clientY-box.top)/box.height));}
        if(!tip){tip=document.createElement('div');tip.className='tip';cross=document.createElement('div');
        cross.className='cross';plot.appendChild(cross);plot.appendChild(tip);}
        tip.textContent='';rows.forEach(function(r,i){var d=document.createElement('div');d.textContent=r;
        if(!i){d.style.opacity=.7;}tip.appendChild(d);});
        cross.style.left=(s*100)+'%';
        tip.style.left=s<.5?'calc('+(s*100)+'% + 10px)':'auto';
        tip.style.right=s<.5?'auto':'calc('+(100-s*100)+'% + 10px)';});
        plot.addEventListener('pointerleave',leave);});
        })();
        """
}
