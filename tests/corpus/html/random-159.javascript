<script>/re/g}}"single ' q"a.b.c"single ' q".5 var 3.14.15;"abc"5 alert(1)</script>
<script>eval(x)</script>
<script>&<td nowrap width=5><a href="http://x.com/?a=1&amp;b=2"title="t"><p class="x y"><script>foo&&<td a="x"y"b="c'd"></b>~^owaaaa==b*c{cx a*}~c&+!z x}0 b"*$b~!a>}'){cc<'x}- )y!c>+y b(89 ca+xxxx==^#~@</script "</script>