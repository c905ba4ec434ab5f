<script>a comment that ends at the space,as line ends do var n000=0 x1f,n001="long stringab q",n002;function n003(n004,n005){var n006=n004+n005;return n006+outer.first+n000;}function(n007){add(n007,n001);}add(1.5,2500);add(-539222987,1e-05);a.b.total=3.14.15 if(a===b&&c>>>=d||!e){switch(x){default:throw new error("</b>"+n002)}}}}alert(1)var hidden="x"document.write("<b>a%zz"x));x=y/2/z;"it's"\0061bc $under_score  x"open string </script> "</script>
<script>second(script)</script</script>
<script>eval(function(n000,n001,n002,n003,n004,n005){while(n002--){if(n003[n002]){n000=n000.replace(n002,n003[n002])}}return n000}(var n013="hello";alert(n013)))function n006(n007,n008,n009,n010,n011,n012){return n007}de(hello worldlast);</script>
<script></script>
<script>never closed((""))</script>